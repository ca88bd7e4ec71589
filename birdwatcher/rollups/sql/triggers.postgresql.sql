-- PostgreSQL counts once a statement. {inserts} and {loops} stand for a part below, for each table
-- of counts in turn; {key} for the columns of its key.
--
-- A transaction that changes counts locks, in this order: the nodes and the species, against their deletion;
-- then the counts, table by table, row by row in the order of their keys. One that deletes a node
-- or a species locks that first. So no two transactions wait for each other, but for two cases that
-- nothing here makes: a transaction of several such statements, and an UPDATE of birds by hand,
-- which locks birds before their nodes, beside the delete of one of these nodes. PostgreSQL then
-- ends one of the two with an error, as a whole.

-- name: create
-- For inserted birds: nodes, species, hours since 1970 and numbers of as many groups of birds.
CREATE FUNCTION birdwatcher_count_birds(
    nodes bigint[], species bigint[], hours bigint[], counts bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM nodes_node WHERE id = ANY(nodes) ORDER BY id FOR KEY SHARE;
    PERFORM FROM birds_species WHERE id = ANY(species) ORDER BY id FOR KEY SHARE;
    {inserts}
END
$$;

CREATE FUNCTION birdwatcher_birds_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    it record;
    remaining bigint;
BEGIN
    {deleted_loops}
    RETURN NULL;
END
$$;

CREATE FUNCTION birdwatcher_birds_updated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    it record;
    remaining bigint;
BEGIN
    PERFORM FROM nodes_node WHERE id IN (SELECT node_id FROM new_birds) ORDER BY id FOR KEY SHARE;
    PERFORM FROM birds_species WHERE id IN (SELECT species_id FROM new_birds) ORDER BY id
        FOR KEY SHARE;
    {updated_loops}
    RETURN NULL;
END
$$;

CREATE FUNCTION birdwatcher_birds_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    it record;
    remaining bigint;
BEGIN
    {deletes}
    RETURN NULL;
END
$$;

CREATE TRIGGER birdwatcher_birds_deleted AFTER DELETE ON birds_bird
    REFERENCING OLD TABLE AS old_birds
    FOR EACH STATEMENT EXECUTE FUNCTION birdwatcher_birds_deleted();
CREATE TRIGGER birdwatcher_birds_updated AFTER UPDATE ON birds_bird
    REFERENCING OLD TABLE AS old_birds NEW TABLE AS new_birds
    FOR EACH STATEMENT EXECUTE FUNCTION birdwatcher_birds_updated();
CREATE TRIGGER birdwatcher_birds_truncated AFTER TRUNCATE ON birds_bird
    FOR EACH STATEMENT EXECUTE FUNCTION birdwatcher_birds_truncated();

-- name: drop
DROP TRIGGER birdwatcher_birds_deleted ON birds_bird;
DROP TRIGGER birdwatcher_birds_updated ON birds_bird;
DROP TRIGGER birdwatcher_birds_truncated ON birds_bird;
DROP FUNCTION birdwatcher_birds_deleted, birdwatcher_birds_updated, birdwatcher_birds_truncated,
    birdwatcher_count_birds;

-- name: insert
    INSERT INTO {table} AS kept ({key}, birds)
    SELECT {key}, sum(n) FROM (
        SELECT node_id, species_id, to_timestamp(h * 3600) AS hour, n
        FROM unnest(nodes, species, hours, counts) AS new(node_id, species_id, h, n)
    ) AS new
    GROUP BY {key} ORDER BY {key}
    ON CONFLICT ({key}) DO UPDATE SET birds = kept.birds + EXCLUDED.birds;

-- name: loop
-- Row by row, so that the order of the keys is kept although some counts grow while others shrink.
    FOR it IN
        SELECT {key}, sum(n) AS n FROM ( {changes} ) AS changes
        GROUP BY {key} HAVING sum(n) <> 0 ORDER BY {key}
    LOOP
        IF it.n > 0 THEN
            INSERT INTO {table} AS kept ({key}, birds) VALUES ({its_key}, it.n)
            ON CONFLICT ({key}) DO UPDATE SET birds = kept.birds + EXCLUDED.birds;
        ELSE
            UPDATE {table} SET birds = GREATEST(birds + it.n, 0) WHERE ({key}) = ({its_key})
            RETURNING birds INTO remaining;
            IF remaining = 0 THEN
                DELETE FROM {table} WHERE ({key}) = ({its_key});
            END IF;
        END IF;
    END LOOP;

-- name: old
SELECT node_id, species_id, date_trunc('hour', "timestamp", 'UTC') AS hour, -count(*) AS n
FROM old_birds GROUP BY 1, 2, 3

-- name: new
SELECT node_id, species_id, date_trunc('hour', "timestamp", 'UTC') AS hour, count(*) AS n
FROM new_birds GROUP BY 1, 2, 3
