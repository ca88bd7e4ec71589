-- name: newest
-- Not the highest key that is there: the rows are deleted after a while.
SELECT 0, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'live_deletion'), 0)

-- name: after
-- Each row is one bird, so that a limit of the rows is one of the birds.
SELECT xact, id, node_id, species_id, birds FROM live_deletion
WHERE (xact, id) > (%(xact)s, %(key)s) AND (xact, id) <= (%(until_xact)s, %(until_key)s)
ORDER BY xact, id LIMIT %(birds)s
