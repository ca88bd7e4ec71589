-- Many may delete at once, and a transaction that is committed later may have lower keys. So only
-- the rows of transactions are read that began before any that is still under way: nothing can appear
-- among them any more. pg_snapshot_xmin is the oldest transaction that is under way.

-- name: newest
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, 0

-- name: after
-- It is cut where it is read: of the birds that are too many, none is sent to the web process.
SELECT xact, id, node_id, species_id, birds FROM (
    SELECT *, sum(jsonb_array_length(birds)) OVER (ORDER BY xact, id) AS total
    FROM (
        SELECT xact, id, node_id, species_id, birds FROM live_deletion
        WHERE (xact, id) > (%(xact)s, %(key)s) AND (xact, id) <= (%(until_xact)s, %(until_key)s)
            AND xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        ORDER BY xact, id LIMIT %(rows)s
    ) AS behind
) AS counted
WHERE total - jsonb_array_length(birds) < %(birds)s ORDER BY xact, id
