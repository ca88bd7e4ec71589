"""New birds on open pages, and for programs, as they come.

The table of birds is followed by its primary key, so there is no broker between the daemon and the
pages, whoever was away asks for what they missed, and web processes know nothing of each other.

What that rests on: birds are inserted in one transaction at a time, by the daemon's writer, of
which there is one, and in between by whoever enters a bird in the admin or through the API, who
waits for his turn (see `birdwatcher.intake.birds`). So keys become visible in their order, and
behind the highest one that a reader sees, nothing is still to come. Only an INSERT by hand, in SQL,
waits for no turn.
"""
