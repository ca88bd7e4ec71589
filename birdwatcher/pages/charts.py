"""The data of a chart, for the template tag `chart`."""

from collections.abc import Iterable
from typing import Any


def bars(labels: Iterable[str], birds: Iterable[int]) -> dict[str, Any]:
    """Return a chart of numbers of birds, a bar for each of `labels`."""
    series = [{"label": "Birds", "data": list(birds)}]
    return {"type": "bar", "labels": list(labels), "series": series}
