"""Limits on what the web UI's visitors may use."""

THREADS = 4  # of a worker: calls at a time, each for a request or a piece of a file
REQUESTS = 256  # of a worker: under way, including those whose answer a client still takes
REQUESTS_OF_EACH = 64  # of these, of one client address
CONNECTIONS = 1024  # of a worker, including idle ones and WebSockets
CONNECTIONS_OF_EACH = 256  # of these, of one address, if it is not a trusted proxy's
BODY_BYTES = 256 * 1024  # of a request; the largest form, thousands of nodes, has 100 kB
HUNG_TIMEOUT = 60  # seconds without a sign of life of a worker's event loop, until it is killed
GRACEFUL_TIMEOUT = 10  # seconds that requests under way have when it stops
KEEPALIVE = 15  # seconds that an idle connection is kept
SOCKET_TIMEOUT = 10  # seconds in which a client must send a request's head, or take something
LEAST_SPEED = 2048  # bytes a second that it must take at least, while something waits for it
SPEED_WINDOW = 20  # seconds over which its speed is measured
BODY_TIMEOUT = 30  # seconds in which it must send the body
THREAD_TIMEOUT = 30  # seconds in which a thread must be free for it, or it is refused
STATEMENT_TIMEOUT = 20  # seconds that a statement may take on PostgreSQL
BACKLOG = 512
