"""How many rows a transaction may have, so that it does not take long.

While it is under way, nobody else's event is committed. How long a row takes depends on the
database, its disk, and on the row: a new species costs a hundred times as much as another bird. So
it is learnt from the transactions themselves.
"""

TARGET = 0.25  # seconds
FIRST = 1_000  # rows
# A transaction has a cost of its own, which few rows would repeat too often.
FEWEST = 500
# With more, a transaction is hardly cheaper for each row; and the first of a slow kind is bounded.
MOST = 20_000
FASTER = 2  # times as many as before, at most


class Budget:
    """Learns how many rows take `TARGET` seconds."""

    def __init__(self) -> None:
        self.rows = FIRST

    def spent(self, rows: int, seconds: float) -> None:
        """Learn from a transaction of `rows`, as `turns.rows_of` counts them."""
        fitting = max(int(rows * TARGET / max(seconds, 1e-6)), FEWEST)
        if seconds > TARGET:
            self.rows = min(self.rows, fitting)
        elif 2 * rows >= self.rows:  # with fewer, it shows little of what a row takes
            self.rows = min(fitting, FASTER * self.rows, MOST)
