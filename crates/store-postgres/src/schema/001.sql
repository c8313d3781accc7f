-- The tables of version 1. A change is a file of its own, applied after this one; what is here never changes.

CREATE TABLE scrip.buckets (
  bucket smallint PRIMARY KEY,
  entries bigint NOT NULL,
  last_at bigint NOT NULL
) WITH (fillfactor = 20);
COMMENT ON TABLE scrip.buckets IS 'One row for each of the 1,024 buckets into which accounts fall. Whoever adds entries to a bucket locks its row first.';
COMMENT ON COLUMN scrip.buckets.bucket IS 'The bucket, 0 to 1023.';
COMMENT ON COLUMN scrip.buckets.entries IS 'How many entries it has: the place of its last one.';
COMMENT ON COLUMN scrip.buckets.last_at IS 'The latest time of any of its entries, in microseconds since 1970; 0 where it has none.';
INSERT INTO scrip.buckets (bucket, entries, last_at) SELECT n, 0, 0 FROM generate_series(0, 1023) AS n;

CREATE TABLE scrip.accounts (
  bucket smallint NOT NULL,
  number bigint NOT NULL,
  studio integer NOT NULL,
  id text NOT NULL,
  seq bigint NOT NULL,
  head bytea NOT NULL,
  state json NOT NULL,
  batch bigint NOT NULL,
  added integer NOT NULL,
  PRIMARY KEY (bucket, number),
  UNIQUE (bucket, studio, id)
) WITH (fillfactor = 60);
CREATE INDEX accounts_by_number ON scrip.accounts (number);
COMMENT ON TABLE scrip.accounts IS 'One row for each account, as its last entry left it. It can be made anew from the entries.';
COMMENT ON COLUMN scrip.accounts.bucket IS 'SplitMix64 of number, modulo 1,024.';
COMMENT ON COLUMN scrip.accounts.number IS 'scrip''s own number of the account, unique over all studios; it rises with the time of opening.';
COMMENT ON COLUMN scrip.accounts.studio IS 'Whose customer it is: see studios.';
COMMENT ON COLUMN scrip.accounts.id IS 'The studio''s own id of it; erased~NUMBER once its texts were erased.';
COMMENT ON COLUMN scrip.accounts.seq IS 'How many entries it has: the number of its last one. Who adds entries says which number they follow.';
COMMENT ON COLUMN scrip.accounts.head IS 'The chain''s value after its last entry.';
COMMENT ON COLUMN scrip.accounts.state IS 'Everything else: see docs/store.md, table accounts. There is no trail here.';
COMMENT ON COLUMN scrip.accounts.batch IS 'Chance that tells the last transaction that changed it from all others.';
COMMENT ON COLUMN scrip.accounts.added IS 'How many entries that transaction added.';

CREATE TABLE scrip.entries (
  bucket smallint NOT NULL,
  account bigint NOT NULL,
  seq bigint NOT NULL,
  place bigint NOT NULL,
  studio integer NOT NULL,
  at bigint NOT NULL,
  kind smallint NOT NULL,
  tool text,
  credits bigint NOT NULL,
  held bigint NOT NULL,
  available_after bigint NOT NULL,
  remaining_after bigint NOT NULL,
  body bytea NOT NULL,
  hash bytea NOT NULL,
  texts json,
  PRIMARY KEY (bucket, account, seq),
  UNIQUE (bucket, place)
);
CREATE INDEX entries_by_time ON scrip.entries USING brin (at);
COMMENT ON TABLE scrip.entries IS 'The journal: one row for each entry, never changed, but for texts that are erased.';
COMMENT ON COLUMN scrip.entries.bucket IS 'The account''s bucket.';
COMMENT ON COLUMN scrip.entries.account IS 'The account''s number. Chained.';
COMMENT ON COLUMN scrip.entries.seq IS 'The entry''s number within its account, from 1 without gaps. Chained.';
COMMENT ON COLUMN scrip.entries.place IS 'Its place within its bucket, from 1 without gaps, in the order in which entries were added.';
COMMENT ON COLUMN scrip.entries.studio IS 'The account''s studio.';
COMMENT ON COLUMN scrip.entries.at IS 'When, in microseconds since 1970. Chained.';
COMMENT ON COLUMN scrip.entries.kind IS 'What, by number: see kinds. Chained.';
COMMENT ON COLUMN scrip.entries.tool IS 'The tool, if any. Chained.';
COMMENT ON COLUMN scrip.entries.credits IS 'Signed change of what is left in lots, in millionths of a credit. Chained.';
COMMENT ON COLUMN scrip.entries.held IS 'Signed change of what is set aside, in millionths of a credit. Chained.';
COMMENT ON COLUMN scrip.entries.available_after IS 'What is available after it, in millionths of a credit. Chained.';
COMMENT ON COLUMN scrip.entries.remaining_after IS 'What is left in lots after it, in millionths of a credit. Chained.';
COMMENT ON COLUMN scrip.entries.body IS 'Everything else, as docs/journal.md describes it. Chained.';
COMMENT ON COLUMN scrip.entries.hash IS 'The chain''s value after it.';
COMMENT ON COLUMN scrip.entries.texts IS 'Free texts and their salt, outside the chain; null where there are none, or they were erased.';

CREATE TABLE scrip.terms (
  bucket smallint NOT NULL,
  term uuid NOT NULL,
  account bigint NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (bucket, term, account, seq)
);
COMMENT ON TABLE scrip.terms IS 'What entries are found by: digests of idempotency keys, of holds'' own ids and ends, of charges that were refunded, of orders.';
COMMENT ON COLUMN scrip.terms.bucket IS 'The account''s bucket.';
COMMENT ON COLUMN scrip.terms.term IS 'The digest''s leading 128 bits.';
COMMENT ON COLUMN scrip.terms.account IS 'Whose entry.';
COMMENT ON COLUMN scrip.terms.seq IS 'Which.';

CREATE TABLE scrip.edition (one smallint PRIMARY KEY, number bigint NOT NULL);
COMMENT ON TABLE scrip.edition IS 'Counts changes of the tables below. Who changes one of them moves it on, from the number that it has seen.';
COMMENT ON COLUMN scrip.edition.one IS '1: there is one row.';
COMMENT ON COLUMN scrip.edition.number IS 'How many changes there were, times 2^24, and chance that tells the last one from any that was lost.';
INSERT INTO scrip.edition (one, number) VALUES (1, 0);

CREATE TABLE scrip.studios (studio integer PRIMARY KEY, id text NOT NULL UNIQUE);
COMMENT ON TABLE scrip.studios IS 'The studios.';
COMMENT ON COLUMN scrip.studios.studio IS 'scrip''s own number of it.';
COMMENT ON COLUMN scrip.studios.id IS 'Its name.';

CREATE TABLE scrip.catalogs (
  studio integer NOT NULL,
  version integer NOT NULL,
  published_at bigint NOT NULL,
  effective bigint NOT NULL,
  format text NOT NULL,
  source text NOT NULL,
  PRIMARY KEY (studio, version)
);
COMMENT ON TABLE scrip.catalogs IS 'Every version of every studio''s catalog; never changed.';
COMMENT ON COLUMN scrip.catalogs.studio IS 'Whose.';
COMMENT ON COLUMN scrip.catalogs.version IS 'Counted from 1 without gaps.';
COMMENT ON COLUMN scrip.catalogs.published_at IS 'When it was published, in microseconds since 1970.';
COMMENT ON COLUMN scrip.catalogs.effective IS 'From when it is in force, in microseconds since 1970.';
COMMENT ON COLUMN scrip.catalogs.format IS 'toml or json.';
COMMENT ON COLUMN scrip.catalogs.source IS 'The text as it was published.';

CREATE TABLE scrip.keys (
  id text PRIMARY KEY,
  studio integer NOT NULL,
  role text NOT NULL,
  digest bytea NOT NULL,
  hint text NOT NULL,
  created_at bigint NOT NULL,
  revoked_at bigint
);
COMMENT ON TABLE scrip.keys IS 'Secret keys, hashed: the secrets are nowhere.';
COMMENT ON COLUMN scrip.keys.id IS 'The key''s public id.';
COMMENT ON COLUMN scrip.keys.studio IS 'Whose.';
COMMENT ON COLUMN scrip.keys.role IS 'What it may do.';
COMMENT ON COLUMN scrip.keys.digest IS 'SHA-256 of the secret.';
COMMENT ON COLUMN scrip.keys.hint IS 'The secret''s last four characters.';
COMMENT ON COLUMN scrip.keys.created_at IS 'When it was made, in microseconds since 1970.';
COMMENT ON COLUMN scrip.keys.revoked_at IS 'When it was revoked, in microseconds since 1970; null: it is good.';

CREATE TABLE scrip.token_secrets (studio integer PRIMARY KEY, secret bytea NOT NULL);
COMMENT ON TABLE scrip.token_secrets IS 'What customers'' tokens are made with: who reads it can make them.';
COMMENT ON COLUMN scrip.token_secrets.studio IS 'Whose customers.';
COMMENT ON COLUMN scrip.token_secrets.secret IS '256 random bits.';

CREATE TABLE scrip.notes (studio integer NOT NULL, name text NOT NULL, text text NOT NULL, PRIMARY KEY (studio, name));
COMMENT ON TABLE scrip.notes IS 'What a part of the server has to remember of a studio.';
COMMENT ON COLUMN scrip.notes.studio IS 'Whose.';
COMMENT ON COLUMN scrip.notes.name IS 'Which.';
COMMENT ON COLUMN scrip.notes.text IS 'What it says.';

CREATE TABLE scrip.clock (one smallint PRIMARY KEY, now bigint NOT NULL);
COMMENT ON TABLE scrip.clock IS 'Where a test clock stands; empty where there never was one.';
COMMENT ON COLUMN scrip.clock.one IS '1: there is one row at the most.';
COMMENT ON COLUMN scrip.clock.now IS 'The instant, in microseconds since 1970.';

CREATE TABLE scrip.import (one smallint PRIMARY KEY, origin bytea NOT NULL, state text NOT NULL);
COMMENT ON TABLE scrip.import IS 'The journal that filled the database, if one did.';
COMMENT ON COLUMN scrip.import.one IS '1: there is one row at the most.';
COMMENT ON COLUMN scrip.import.origin IS 'A digest that tells it from others.';
COMMENT ON COLUMN scrip.import.state IS 'under_way or complete.';

CREATE TABLE scrip.kinds (kind smallint PRIMARY KEY, word text NOT NULL);
COMMENT ON TABLE scrip.kinds IS 'The words of entries'' kinds.';
COMMENT ON COLUMN scrip.kinds.kind IS 'The number.';
COMMENT ON COLUMN scrip.kinds.word IS 'The word.';

CREATE VIEW scrip.history AS
SELECT s.id AS studio, a.id AS account, e.seq, to_timestamp(e.at / 1000000.0) AS at, k.word AS kind, e.tool,
       (e.credits / 1000000.0)::numeric(20, 6) AS credits, (e.held / 1000000.0)::numeric(20, 6) AS held,
       (e.available_after / 1000000.0)::numeric(20, 6) AS available_after,
       (e.remaining_after / 1000000.0)::numeric(20, 6) AS remaining_after,
       e.texts ->> 'reference' AS reference, e.texts ->> 'member' AS member, e.texts ->> 'reason' AS reason
FROM scrip.entries e
JOIN scrip.accounts a ON a.bucket = e.bucket AND a.number = e.account
JOIN scrip.studios s ON s.studio = e.studio
LEFT JOIN scrip.kinds k ON k.kind = e.kind;
COMMENT ON VIEW scrip.history IS 'One row for each entry, for people; amounts in credits.';

CREATE VIEW scrip.lots AS
SELECT s.id AS studio, a.id AS account, l.value ->> 0 AS lot, l.value ->> 1 AS class,
       (l.value ->> 5)::numeric AS granted, (l.value ->> 6)::numeric AS remaining,
       coalesce((l.value ->> 7)::numeric, 0) AS held, coalesce((l.value ->> 8)::numeric, 0) AS frozen,
       (l.value ->> 2)::smallint AS priority, to_timestamp((l.value ->> 3)::numeric) AS granted_at,
       to_timestamp((l.value ->> 4)::numeric) AS expires_at
FROM scrip.accounts a
JOIN scrip.studios s ON s.studio = a.studio
CROSS JOIN LATERAL json_array_elements(a.state -> 'lots') WITH ORDINALITY AS l(value, place)
ORDER BY a.studio, a.id, l.place;
COMMENT ON VIEW scrip.lots IS 'Lots with something left, in spend order within an account; amounts in credits.';

CREATE VIEW scrip.holds AS
SELECT s.id AS studio, a.id AS account, h.value ->> 'hold' AS hold, h.value ->> 'name' AS name, h.value ->> 'tool' AS tool,
       (h.value ->> 'credits')::numeric AS credits, to_timestamp((h.value ->> 'placed')::numeric) AS placed_at,
       to_timestamp((h.value ->> 'expires')::numeric) AS expires_at, h.value ->> 'reference' AS reference,
       h.value ->> 'member' AS member, (h.value ->> 'version')::integer AS catalog_version, h.value -> 'measures' AS measures,
       h.value -> 'parts' AS parts
FROM scrip.accounts a
JOIN scrip.studios s ON s.studio = a.studio
CROSS JOIN LATERAL json_array_elements(coalesce(a.state -> 'holds', '[]')) AS h(value);
COMMENT ON VIEW scrip.holds IS 'Open holds; amounts in credits.';
