"""Limits on what the web UI's visitors may use."""

THREADS = 4  # of a worker: requests at a time
CONNECTIONS = 1024  # of a worker, including idle ones and WebSockets
BODY_BYTES = 256 * 1024  # of a request; the largest form, thousands of nodes, has 100 kB
HUNG_TIMEOUT = 60  # seconds without a sign of life of a worker's event loop, until it is killed
GRACEFUL_TIMEOUT = 10  # seconds that requests under way have when it stops
KEEPALIVE = 15  # seconds that an idle connection is kept
SOCKET_TIMEOUT = 10  # seconds in which a client must send a request's head, or take something
BODY_TIMEOUT = 30  # seconds in which it must send the body
THREAD_TIMEOUT = 30  # seconds in which a thread must be free for it, or it is refused
STATEMENT_TIMEOUT = 20  # seconds that a statement may take on PostgreSQL
BACKLOG = 512
