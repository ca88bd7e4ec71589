"""The writer: the daemon's only process that touches the database.

Along its way, from the pipe to the commit and back:

- `process`: the loop of the process. `inbox` reads frames from the pipe, and `pace` says how long
  to wait for more of them.
- `ledger`: a commit, step by step. `checkpoints` knows which frame of a stream is next; `gather`
  opens the frames that are; the subject of each (`subjects`, `birds`) makes rows of it, and writes
  them with the engine of the database (`birdwatcher.common.database`).
- `heartbeat` and `retention` follow between two commits.

`session` is the connection to the database under all of it, and `spools` commits without a daemon.
"""
