"""The node process: one TCP connection to one node, and the pipe that carries its events away.

Runs without Django. `wire`, `channel`, `states` and `logs` are shared with the supervisor and the
writer; everything else is the node process's own.
"""
