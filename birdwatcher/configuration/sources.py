"""Where the values of the variables come from.

The first source that has a value wins, and an empty value counts as none: the process environment;
a credential (systemd.exec(5), `LoadCredential=birdwatcher:<directory>`, which provides each file of
the directory as `birdwatcher_<file>`); the environment file; the default, which is added elsewhere.
Every call reads the files anew, so that a reload sees changes. No message quotes a value, because
it might be a secret.
"""

import difflib
import io
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from dotenv.parser import Binding, parse_stream

ENV_FILE = "BIRDWATCHER_ENV_FILE"
CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"  # set by systemd
PREFIX = "birdwatcher_"
OWN_PREFIX, OF_TESTS = "BIRDWATCHER_", "BIRDWATCHER_TEST_"
OF_OTHERS = ("BIRDWATCHER_TOKEN", "BIRDWATCHER_ADMIN_PASSWORD")  # of watchbirds and of the demo
# Skips the files that an editor leaves beside a credential.
NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def gather(environ: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """Return the values of the variables in `names`, as far as they have one.

    Raises ImproperlyConfigured, one sentence, if a file cannot be read or understood, or sets a
    variable that is not among `names`.
    """
    given: dict[str, str] = {}
    if path := environ.get(ENV_FILE, "").strip():
        given |= _read_env_file(Path(path), names)
    if directory := environ.get(CREDENTIALS_DIRECTORY):
        given |= _read_credentials(Path(directory), names)
    return given | {name: environ[name] for name in names if environ.get(name, "").strip()}


def misspelt(environ: Mapping[str, str], names: Collection[str]) -> Iterator[str]:
    """Yield a sentence about each variable of `environ` that looks like one of Birdwatcher's and is
    none. Unlike a file, an environment may hold what others put there, so it is not refused."""
    for name in sorted(environ):
        is_own = name.startswith(OWN_PREFIX) and not name.startswith(OF_TESTS)
        if is_own and name not in {*names, *OF_OTHERS}:
            what = "in the environment is no variable of Birdwatcher and has no effect"
            yield f"{name} {what}{_near(name, names)}"


def _read_env_file(path: Path, names: Collection[str]) -> dict[str, str]:
    values = {}
    for binding, line in _lines(_read(path, f"{ENV_FILE} {str(path)!r}")):
        where = f"in line {line} of {path}"
        if binding.error or binding.key is None or binding.value is None:
            raise ImproperlyConfigured(
                f"What stands {where} cannot be understood: it must be like NAME=value, and a "
                "quoted value must end."
            )
        if binding.key == ENV_FILE:
            raise ImproperlyConfigured(
                f"{ENV_FILE} {where} has no effect: only the process environment can name the file."
            )
        _check(binding.key, names, where)
        if binding.value.strip():
            values[binding.key] = binding.value
    return values


def _lines(text: str) -> Iterator[tuple[Binding, int]]:
    """Yield each assignment, or what should be one, with the number of its line."""
    for binding in parse_stream(io.StringIO(text)):
        blank = len(binding.original.string) - len(binding.original.string.lstrip())
        line = binding.original.line + binding.original.string.count("\n", 0, blank)
        if binding.error or binding.key is not None:  # not a comment, nor the end
            yield binding, line


def _read_credentials(directory: Path, names: Collection[str]) -> dict[str, str]:
    try:
        paths = sorted(directory.glob(f"{PREFIX}*"))
    except OSError as error:
        raise ImproperlyConfigured(
            f"The credentials in '{directory}' cannot be read: {error.strerror}."
        ) from None
    values = {}
    for path in paths:
        name = path.name.removeprefix(PREFIX)
        if not NAME.fullmatch(name):
            continue
        _check(name, names, "among the credentials")
        value = _read(path, f"The credential {name}").removesuffix("\n")
        if value.strip():
            values[name] = value
    return values


def _check(name: str, names: Collection[str], where: str) -> None:
    if name in names:
        return
    raise ImproperlyConfigured(f"{name} {where} is no variable of Birdwatcher{_near(name, names)}")


def _near(name: str, names: Collection[str]) -> str:
    """Return the end of a sentence about `name`: a question, if another name is like it."""
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.8)
    return f"; did you mean {' or '.join(near)}?" if near else "."


def _read(path: Path, source: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ImproperlyConfigured(f"{source} cannot be read: {reason}.") from None
