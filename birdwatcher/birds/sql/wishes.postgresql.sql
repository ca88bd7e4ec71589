-- PostgreSQL announces what people wish to become of events that are set aside, on the channel of
-- the table of nodes, so that the daemon need not ask for it often.

-- name: create
-- Only for statements that name the column: the writer's are not among them while it counts.
CREATE TRIGGER birdwatcher_wishes_changed
    AFTER UPDATE OF wish ON birds_newspecies
    FOR EACH STATEMENT EXECUTE FUNCTION birdwatcher_nodes_changed();

-- name: drop
DROP TRIGGER birdwatcher_wishes_changed ON birds_newspecies;
