"""The rooms of the program: their storeys, what each imports, and a drawing of both.

`make docs` brings the drawing in docs/architecture.md up to date.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: generated -->\n", "<!-- /rooms -->"

# From the top down: a room imports rooms on the storeys below its own, and none beside it.
STOREYS: dict[str, dict[str, tuple[str, ...]]] = {
    "birdwatcher": {
        "entrance": ("asgi", "settings", "urls"),
        "server": ("server",),
        "faces": ("api", "live", "pages", "staff"),
        "doing": ("exports", "intake", "writer"),
        "news": ("feed",),
        "reading": ("health", "search"),
        "counting": ("rollups",),
        "daemon": ("daemon",),
        "heard": ("birds",),
        "subjects": ("accounts", "nodes"),
        "recorded": ("audit",),
        "settings": ("configuration",),
        "ground": ("common",),
    },
    "nodeproc": {
        "process": ("process",),
        "orders": ("assignment", "reporting"),
        "work": ("delivery", "sources"),
        "telling": ("logs", "numbers", "reporting"),
        "messages": ("wire",),
        "bounds": ("limits",),
        "ground": (
            "backoff",
            "file_lock",
            "moment",
            "networks",
            "parent",
            "setting",
            "states",
            "streams",
            "text",
        ),
    },
    "supervisor": {
        "life": ("daemon",),
        "showing": ("report",),
        "watching": ("observer",),
        "following": ("disks", "fleet"),
        "relaying": ("relay",),
        "links": ("roster", "windows", "writer_link"),
        "nodes": ("node", "settings"),
        "forking": ("children", "metrics"),
        "ground": (
            "in_child",
            "leftovers",
            "lock",
            "notify",
            "protocols",
            "reconcile",
            "resources",
            "room",
            "signals",
            "table",
        ),
    },
}
# Beside the house: no room imports these.
OUTSIDE = ("birdwatcher.demo", "birdwatcher.simulator")


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
    return path.parts[1].removesuffix(".py")


def imports_of_rooms(package: str) -> dict[str, set[str]]:
    """Return which rooms of `package` each of its rooms imports."""
    files = [path for path in files_of(package) if path.name != "__init__.py" or path.parts[2:]]
    found: dict[str, set[str]] = {room_of(path): set() for path in files}
    for path in files:
        for module in imported_modules(path):
            parts = module.split(".")
            if parts[0] == package and len(parts) > 1 and parts[1] in found:
                found[room_of(path)].add(parts[1])
    return {room: others - {room} for room, others in found.items()}


def docstring_of(package: str, room: str) -> str:
    """Return the first sentence of the room's docstring."""
    path = Path(package, room, "__init__.py")
    path = path if (ROOT / path).is_file() else Path(package, f"{room}.py")
    text = ast.get_docstring(tree_of(path)) or ""
    return " ".join(text.partition("\n\n")[0].split())


def drawing() -> str:
    """Return the storeys of every package, and what each room holds and imports, in Markdown."""
    return "\n".join(part for package in STOREYS for part in _drawing_of(package))


def _drawing_of(package: str) -> Iterator[str]:
    found = imports_of_rooms(package)
    width = max(map(len, STOREYS[package]))
    yield f"`{package}/`, from the top down:\n\n```text"
    for storey, rooms in STOREYS[package].items():
        yield f"{storey:{width}}  │ {'   '.join(rooms)}"
    yield "```\n\n| room | holds | imports |\n| --- | --- | --- |"
    for rooms in STOREYS[package].values():
        yield from (_row(package, room, found[room]) for room in rooms)
    for outside in OUTSIDE:
        if outside.startswith(f"{package}."):
            room = outside.removeprefix(f"{package}.")
            yield _row(package, room, found[room])
    yield ""


def _row(package: str, room: str, imports: set[str]) -> str:
    return (
        f"| `{room}` | {docstring_of(package, room)} | {', '.join(sorted(imports)) or 'nothing'} |"
    )


def page_with_drawing() -> str:
    """Return the text of the page with the drawing as it is now."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{drawing()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page_with_drawing(), encoding="utf-8")
