-- One charge: lock the row, update, insert, commit; all of it sent at once, so that it is one round trip.
\set account random(1, :accounts)
\startpipeline
BEGIN;
SELECT credits FROM by_hand.accounts WHERE id = :account FOR UPDATE;
UPDATE by_hand.accounts SET credits = credits - 18000000 WHERE id = :account AND credits >= 18000000;
INSERT INTO by_hand.entries (account, key, credits, credits_after)
  SELECT id, gen_random_uuid(), -18000000, credits FROM by_hand.accounts WHERE id = :account;
COMMIT;
\endpipeline
