-- PostgreSQL announces every change of the table of nodes, so that the daemon need not ask for it.

-- name: create
-- Once a statement, not once a row: to enable a thousand nodes is one change. It fires for every way
-- of writing, the admin's bulk actions and psql too.
CREATE FUNCTION birdwatcher_nodes_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('birdwatcher_nodes', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER birdwatcher_nodes_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON nodes_node
    FOR EACH STATEMENT EXECUTE FUNCTION birdwatcher_nodes_changed();

-- name: drop
DROP TRIGGER birdwatcher_nodes_changed ON nodes_node;
DROP FUNCTION birdwatcher_nodes_changed();
