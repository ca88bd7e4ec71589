-- SQLite notes which birds are deleted once a bird. It has no TRUNCATE. A migration that makes the
-- table of birds anew takes this trigger along: it has to create it again, and those of
-- rollups/triggers.py.

-- name: create
CREATE TRIGGER birdwatcher_live_deleted AFTER DELETE ON birds_bird BEGIN
    INSERT INTO live_deletion (xact, node_id, species_id, birds, at)
    VALUES (0, OLD.node_id, OLD.species_id, '[' || OLD.id || ']',
        strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

-- name: drop
DROP TRIGGER IF EXISTS birdwatcher_live_deleted;
