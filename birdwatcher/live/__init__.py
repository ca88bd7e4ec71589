"""New birds on open pages, as they come.

The table of birds is followed by its primary key, so there is no broker between the daemon and the
pages, a page that was away asks for what it missed, and web processes know nothing of each other.

What that rests on: birds are inserted by the daemon's writer alone, of which there is one, in one
transaction at a time. So keys become visible in their order, and behind the highest one that a
reader sees, nothing is still to come. Only a bird that somebody adds by hand in the admin may, if
the daemon commits at that very moment, be passed over here; it is in every list all the same.
"""
