"""What to follow, where, and with which token."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit, urlunsplit

TOKEN = "BIRDWATCHER_TOKEN"  # noqa: S105 the name of a variable
PATH = "/api/v1/live"
DEFAULT_URL = "ws://127.0.0.1:8000"
SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
LOCAL = {"localhost", "127.0.0.1", "::1"}


class WatchError(Exception):
    """The birds cannot be followed; the message is one sentence with the cure."""


@dataclass(frozen=True)
class Request:
    """Which birds, of the web UI at `url`; `token` may be empty."""

    url: str
    token: str = ""
    nodes: Sequence[int] = ()
    species: Sequence[str] = ()  # names or ids
    species_names: Sequence[str] = ()  # also such that look like ids

    @property
    def is_local(self) -> bool:
        """Whether the web UI runs on this machine, so that no proxy is used."""
        return urlsplit(self.url).hostname in LOCAL

    def address(self, since: int | None, deletions: str | None) -> str:
        """Return the address to connect to, or to reconnect to."""
        asked = [("node", str(it)) for it in self.nodes]
        # A web UI of an earlier release knows only `species`, which ends a value at a comma.
        asked += [("species_name" if "," in it else "species", it) for it in self.species]
        asked += [("species_name", it) for it in self.species_names]
        if since is not None:
            asked.append(("since", str(since)))
        if deletions is not None:
            asked.append(("deleted_since", deletions))
        return f"{self.url}?{urlencode(asked)}" if asked else self.url


def parse_url(given: str) -> str:
    """Return the address of the WebSocket of a web UI. Raises WatchError."""
    try:
        parts = urlsplit(given)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in SCHEMES or not parts.hostname or parts.query or parts.fragment:
        raise WatchError(f"{given!r} is no address of a web UI: it must be like {DEFAULT_URL}.")
    path = parts.path.rstrip("/").removesuffix(PATH) + PATH
    return urlunsplit((SCHEMES[parts.scheme], parts.netloc, path, "", ""))


def find_token(file: str | None, environ: Mapping[str, str]) -> str:
    """Return the token in a file, or else in the environment, or "". Raises WatchError."""
    if file is None:
        where, text = TOKEN, environ.get(TOKEN, "")
    else:
        try:
            where, text = file, Path(file).read_text(encoding="ascii")
        except OSError as error:
            raise WatchError(f"The token in {file} cannot be read: {error.strerror}.") from None
        except ValueError:
            raise WatchError(f"{file} holds no token.") from None
    text = text.strip()
    if not re.fullmatch(r"[!-~]*", text) or (file and not text):
        raise WatchError(f"{where} holds no token.")
    return text
