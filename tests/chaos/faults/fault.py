"""One kind of fault."""

import dataclasses
from collections.abc import Callable

from tests.chaos.site import Site


def _nothing(_: Site) -> str | None:
    return None


@dataclasses.dataclass(frozen=True)
class Fault:
    """`inject(site)` breaks and repairs; `lacks(site)` tells why it cannot be done there."""

    name: str
    inject: Callable[[Site], None]
    lacks: Callable[[Site], str | None] = _nothing
