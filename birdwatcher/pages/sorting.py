"""Heads of tables that sort by their column, and the other way round when they are asked again.

An order is the name of a column, with "-" before it for the largest first.
"""

from __future__ import annotations


def asked_next(column: str, order: str, *, largest_first: bool) -> str:
    """Return the order that the head of `column` asks for while the table is in `order`."""
    first, other = (f"-{column}", column) if largest_first else (column, f"-{column}")
    return other if order == first else first


def sorted_as(column: str, order: str) -> str:
    """Return what `aria-sort` says of `column`; empty if the order is by another one."""
    return {column: "ascending", f"-{column}": "descending"}.get(order, "")
