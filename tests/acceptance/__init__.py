"""The programs as an operator runs them: real processes, sockets and databases."""
