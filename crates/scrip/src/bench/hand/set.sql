-- A hundred charges in one statement: a guarded update of their accounts in order, and their entries.
WITH asked AS MATERIALIZED (
  SELECT 1 + floor(random() * :accounts)::bigint AS account, gen_random_uuid() AS key FROM generate_series(1, 100) ORDER BY 1
), charged AS (
  UPDATE by_hand.accounts a SET credits = a.credits - sums.credits
  FROM (SELECT account, count(*) * 18000000 AS credits FROM asked GROUP BY account ORDER BY account) AS sums
  WHERE a.id = sums.account AND a.credits >= sums.credits
  RETURNING a.id, a.credits
)
INSERT INTO by_hand.entries (account, key, credits, credits_after)
  SELECT asked.account, asked.key, -18000000, charged.credits FROM asked JOIN charged ON charged.id = asked.account;
