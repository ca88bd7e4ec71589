"""The node process: one source of events, and the pipe that carries them to the supervisor.

It runs without Django. The supervisor and the writer use `wire`, `numbers`, `states` and `logs`
too; the rest is the node process's own.
"""
