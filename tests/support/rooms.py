"""The rooms of the program: their storeys, what each imports, and a drawing of both.

`python -m tests.support.rooms` brings the drawing in docs/architecture.md up to date.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: generated -->\n", "<!-- /rooms -->"

# From the ground up: a room imports rooms below its storey, and none beside it.
STOREYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "birdwatcher": (
        ("common",),
        ("configuration",),
        ("accounts", "nodes"),
        ("birds",),
        ("daemon",),
        ("rollups",),
        ("health", "search"),
        ("feed",),
        ("writer", "exports", "intake"),
        ("api", "pages", "staff", "live"),
        ("server",),
        ("asgi", "settings", "urls"),
    ),
}
# Beside the house: nothing in it imports these two.
OUTSIDE = {"birdwatcher.simulator": set(), "birdwatcher.demo": {"birdwatcher"}}


def files_of(*packages: str) -> list[Path]:
    """Return the Python files of these packages, relative to the root of the project."""
    return [
        path.relative_to(ROOT)
        for package in packages
        for path in sorted(ROOT.glob(f"{package}/**/*.py"))
    ]


def tree_of(path: Path) -> ast.Module:
    """Return the parsed file."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def imported_modules(path: Path) -> Iterator[str]:
    """Yield the full name of every module that a file imports, wherever in it.

    What `from package import name` brings in may be a module: it is yielded as `package.name`.
    """
    for statement in ast.walk(tree_of(path)):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            # A relative import stays in its own package.
            module = statement.module if not statement.level else path.parts[0]
            yield from (f"{module}.{alias.name}" for alias in statement.names)


def room_of(path: Path) -> str:
    """Return the room, a folder or a single module, in which a file lies."""
    return path.parts[1].removesuffix(".py") if len(path.parts) > 1 else ""


def imports_of_rooms(package: str) -> dict[str, set[str]]:
    """Return which rooms of `package` each of its rooms imports."""
    found: dict[str, set[str]] = {}
    for path in files_of(package):
        room = room_of(path)
        if room == "__init__":
            continue
        modules = (module.split(".") for module in imported_modules(path))
        others = {parts[1] for parts in modules if parts[0] == package and len(parts) > 1}
        found.setdefault(room, set()).update(others - {room})
    return found
