-- A ledger as it is written by hand: an account's credits in one column, an entry for each charge, found again by its key.
-- :accounts accounts, each with :credits millionths of a credit.

CREATE SCHEMA by_hand;

CREATE TABLE by_hand.accounts (
  id bigint PRIMARY KEY,
  credits bigint NOT NULL CHECK (credits >= 0)
) WITH (fillfactor = 60);

CREATE TABLE by_hand.entries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account bigint NOT NULL,
  key uuid NOT NULL,
  credits bigint NOT NULL,
  credits_after bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (account, key)
);

INSERT INTO by_hand.accounts (id, credits) SELECT id, :credits FROM generate_series(1, :accounts) AS id;

VACUUM ANALYZE by_hand.accounts;
