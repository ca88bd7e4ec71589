"""Table heads that sort by their column, and in reverse the second time.

An order is the name of a column, with "-" in front for descending.
"""


def asked_next(column: str, order: str, *, largest_first: bool) -> str:
    """Return the order that a click on the head of `column` gives while `order` holds."""
    first, other = (f"-{column}", column) if largest_first else (column, f"-{column}")
    return other if order == first else first


def sorted_as(column: str, order: str) -> str:
    """Return the value of `aria-sort` for `column`; empty if the order is by another one."""
    return {column: "ascending", f"-{column}": "descending"}.get(order, "")
