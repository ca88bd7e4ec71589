-- PostgreSQL notes which birds are deleted once a statement, with a row for at most 500 birds of one
-- node and one species, so that to delete a million birds writes some thousand rows.

-- name: create
CREATE FUNCTION birdwatcher_live_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO live_deletion (xact, node_id, species_id, birds, at)
    SELECT pg_current_xact_id()::text::bigint, node_id, species_id,
        to_jsonb(ids[place:place + 499]), clock_timestamp()
    FROM (
        SELECT node_id, species_id, array_agg(id) AS ids FROM old_birds GROUP BY 1, 2
    ) AS old, generate_series(1, cardinality(ids), 500) AS place;
    RETURN NULL;
END
$$;
CREATE FUNCTION birdwatcher_live_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO live_deletion (xact, node_id, species_id, birds, at)
    VALUES (pg_current_xact_id()::text::bigint, NULL, NULL, '[]', clock_timestamp());
    RETURN NULL;
END
$$;
CREATE TRIGGER birdwatcher_live_deleted AFTER DELETE ON birds_bird
    REFERENCING OLD TABLE AS old_birds
    FOR EACH STATEMENT EXECUTE FUNCTION birdwatcher_live_deleted();
CREATE TRIGGER birdwatcher_live_truncated AFTER TRUNCATE ON birds_bird
    FOR EACH STATEMENT EXECUTE FUNCTION birdwatcher_live_truncated();

-- name: drop
DROP TRIGGER birdwatcher_live_deleted ON birds_bird;
DROP TRIGGER birdwatcher_live_truncated ON birds_bird;
DROP FUNCTION birdwatcher_live_deleted, birdwatcher_live_truncated;

-- name: note the highest
-- From here on TRUNCATE notes up to which key it was all birds: before it, since RESTART IDENTITY has
-- made the sequence begin anew afterwards. The table is locked already, so that every bird with a
-- higher key comes after it.
CREATE OR REPLACE FUNCTION birdwatcher_live_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO live_deletion (xact, node_id, species_id, birds, at)
    SELECT pg_current_xact_id()::text::bigint, NULL, NULL, jsonb_build_array(GREATEST(
        CASE WHEN is_called THEN last_value ELSE 0 END, (SELECT max(id) FROM birds_bird)
    )), clock_timestamp() FROM birds_bird_id_seq;
    RETURN NULL;
END
$$;
DROP TRIGGER birdwatcher_live_truncated ON birds_bird;
CREATE TRIGGER birdwatcher_live_truncated BEFORE TRUNCATE ON birds_bird
    FOR EACH STATEMENT EXECUTE FUNCTION birdwatcher_live_truncated();
UPDATE live_deletion SET birds = jsonb_build_array((SELECT last_value FROM birds_bird_id_seq))
    WHERE node_id IS NULL;
