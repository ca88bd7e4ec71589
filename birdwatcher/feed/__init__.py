"""What is new in a table: for open pages, and for programs that must miss nothing.

The way of a new bird from the table to a socket:

1. `live.hub.Hub` runs one `reader.Reader` for a web process, from the first follower to the last.
2. `reader.Reader.run` asks `birds.table.BirdTable.after` four times a second, in a
   `database_thread.DatabaseThread`, for what comes after its `cursor.Cursor`.
3. `birds.table.BirdTable.after` reads the next birds and deletions, keeps the birds in
   `birds.recent.Recent`, and returns a `birds.news.BirdNews`.
4. `follower.Follower.put_news` takes the message that `birds.news.BirdNews.rows` makes for its
   `birds.filter.BirdFilter`, and queues it.
5. `live.consumer.FollowingConsumer` takes it with `follower.Follower.next` and sends it.

A follower that was away gets a `follower.Gap` first. A page fills it with the newest birds
(`birds.table.resume`), a program with every bird (`birds.replay.piece`).

The files here know no subject: `table` says what they ask of one, and a folder for each subject, as
`birds`, answers.

A table is followed by its primary key. So there is no broker between the daemon and the pages, a
client that was away asks for what it missed, and web processes know nothing of each other.

This needs keys that become visible in their order. Birds are inserted in one transaction at a time:
by the daemon's only writer, or by a person in the admin or through the API, who waits for a turn
(see `birdwatcher.intake.birds`). Only an INSERT by hand, in SQL, waits for no turn.
"""
