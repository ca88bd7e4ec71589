"""The messages between the processes of one daemon: `frames`, their bodies, and the pipe end."""
