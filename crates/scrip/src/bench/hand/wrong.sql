-- Accounts whose credits are not what they began with and their entries; and how many entries there are.
SELECT (SELECT count(*) FROM by_hand.accounts a
        LEFT JOIN (SELECT account, sum(credits) AS credits FROM by_hand.entries GROUP BY account) e ON e.account = a.id
        WHERE a.credits <> :credits + coalesce(e.credits, 0)),
       (SELECT count(*) FROM by_hand.entries);
