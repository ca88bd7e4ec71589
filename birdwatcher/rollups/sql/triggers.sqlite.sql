-- SQLite counts once a bird. {less} and {more} stand for the parts of these names, for each table of
-- counts in turn; {key} for the columns of its key, {old} and {new} for their values.

-- name: create
CREATE TRIGGER birdwatcher_birds_deleted AFTER DELETE ON birds_bird BEGIN
    {less}
END;
CREATE TRIGGER birdwatcher_birds_updated
AFTER UPDATE OF timestamp, node_id, species_id ON birds_bird BEGIN
    {less}
    {more}
END;

-- name: drop
DROP TRIGGER IF EXISTS birdwatcher_birds_deleted;
DROP TRIGGER IF EXISTS birdwatcher_birds_updated;

-- name: less
    DELETE FROM {table} WHERE ({key}) = ({old}) AND birds <= 1;
    UPDATE {table} SET birds = birds - 1 WHERE ({key}) = ({old});

-- name: more
    INSERT INTO {table} ({key}, birds) VALUES ({new}, 1)
    ON CONFLICT ({key}) DO UPDATE SET birds = birds + 1;
