"""The environment: what is taken when nothing is set, and the sentence when nonsense is."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from birdwatcher.configuration import config, document
from birdwatcher.configuration.databases import parse_database_url
from nodeproc.limits import NodeLimits

KEY = "k" * 25 + "0123456789abcdefghijklmnopq"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The least that production needs."""
    return {"BIRDWATCHER_STATE_DIR": str(tmp_path / "state"), "BIRDWATCHER_SECRET_KEY": KEY}


def sentence(environ: dict[str, str]) -> str:
    """Return what `load` complains of: one line, one sentence, nothing chained to it."""
    with pytest.raises(ImproperlyConfigured) as caught:
        config.load(environ)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith((".", ")."))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return text


def test_defaults_are_safe(environ: dict[str, str], tmp_path: Path) -> None:
    loaded = config.load(environ)
    assert (loaded.debug, loaded.https, loaded.trust_proxy) == (False, True, False)
    assert loaded.allowed_hosts == ["localhost", "127.0.0.1", "[::1]"]
    assert (loaded.csrf_trusted_origins, loaded.time_zone) == ([], "UTC")
    assert (loaded.log_level, loaded.log_format) == ("INFO", "text")
    assert (loaded.daemon.metrics, loaded.daemon.writer_timeout) == (None, 60)
    assert loaded.daemon.node == NodeLimits(
        max_packet_bytes=65536,
        connect_timeout=8,
        backoff_cap=3,
        stall_timeout=30,
        retained_bytes=1048576,
        spool_bytes=67108864,
        spool_total_bytes=1073741824,
        stop_timeout=10,
    )
    assert loaded.state_dir == tmp_path / "state"
    assert loaded.database["NAME"] == tmp_path / "state" / "birdwatcher.sqlite3"
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o750


def test_a_variable_set_to_nothing_counts_as_not_set(environ: dict[str, str]) -> None:
    empty = {variable.name: " " for variable in config.SETTINGS}
    assert config.load(empty | environ) == config.load(environ)


def test_every_default_in_the_table_is_what_is_read(environ: dict[str, str]) -> None:
    special = {"DATABASE_URL", "BIRDWATCHER_STATE_DIR", "BIRDWATCHER_HTTPS"}
    shown = {s.name: s.shown for s in config.SETTINGS if s.name not in special and s.shown}
    assert config.load(shown | environ) == config.load(environ)


def test_debug_turns_https_off_unless_told_otherwise(environ: dict[str, str]) -> None:
    environ["BIRDWATCHER_DEBUG"] = "yes"
    assert config.load(environ).https is False
    assert config.load(environ | {"BIRDWATCHER_HTTPS": "1"}).https is True


def test_lists_are_split_at_commas(environ: dict[str, str]) -> None:
    environ["BIRDWATCHER_ALLOWED_HOSTS"] = "birds.example.org, [2001:db8::1],"
    assert config.load(environ).allowed_hosts == ["birds.example.org", "[2001:db8::1]"]


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("DEBUG", "perhaps", "1 or 0"),
        ("MAX_PACKET_BYTES", "1", "a whole number from 2 to 16777216"),
        ("MAX_PACKET_BYTES", "16777217", "a whole number from 2 to 16777216"),
        ("MAX_PACKET_BYTES", "64k", "a whole number"),
        ("MAX_PACKET_BYTES", "٦٥", "a whole number"),
        ("CONNECT_TIMEOUT", "nan", "a number from 0.1 to 60"),
        ("CONNECT_TIMEOUT", "0", "a number from 0.1 to 60"),
        ("BACKOFF_CAP", "inf", "a number from 0.1 to 3600"),
        ("RETAINED_BYTES", "1e6", "a whole number"),
        ("STOP_TIMEOUT", "-1", "a number"),
        ("LOG_LEVEL", "loud", "one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("LOG_FORMAT", "xml", "one of auto, text, json, journal"),
        ("TIME_ZONE", "Mars/Olympus", "the name of a time zone"),
        ("TIME_ZONE", "../../etc/passwd", "the name of a time zone"),
        ("PATH_PREFIX", "birds", "a path such as /birdwatcher"),
        ("PATH_PREFIX", "/a/../b", "a path such as /birdwatcher"),
        ("PATH_PREFIX", "/a%20b", "a path such as /birdwatcher"),
    ],
)
def test_nonsense_is_one_sentence(
    environ: dict[str, str], name: str, value: str, allowed: str
) -> None:
    said = sentence(environ | {f"BIRDWATCHER_{name}": value})
    assert said.startswith(f"BIRDWATCHER_{name} is {value!r}, but must be {allowed}")


def test_words_may_be_written_in_capitals_or_not(environ: dict[str, str]) -> None:
    environ |= {"BIRDWATCHER_LOG_LEVEL": "debug", "BIRDWATCHER_LOG_FORMAT": "JSON"}
    loaded = config.load(environ)
    assert (loaded.log_level, loaded.log_format) == ("DEBUG", "json")


def test_the_log_goes_to_the_journal_if_standard_error_does(environ: dict[str, str]) -> None:
    found = os.fstat(2)
    environ["JOURNAL_STREAM"] = f"{found.st_dev}:{found.st_ino}"
    assert config.load(environ).log_format == "journal"
    assert config.load(environ | {"BIRDWATCHER_LOG_FORMAT": "auto"}).log_format == "journal"
    assert config.load(environ | {"BIRDWATCHER_LOG_FORMAT": "json"}).log_format == "json"
    environ["JOURNAL_STREAM"] = f"{found.st_dev}:{found.st_ino + 1}"
    assert config.load(environ).log_format == "text"
    assert config.load(environ | {"BIRDWATCHER_LOG_FORMAT": "journal"}).log_format == "journal"


@pytest.mark.parametrize(
    ("log_format", "handler"),
    [("text", "StderrHandler"), ("json", "StderrHandler"), ("journal", "JournalHandler")],
)
def test_every_log_format_can_be_set_up(
    environ: dict[str, str], log_format: str, handler: str
) -> None:
    environ |= {"BIRDWATCHER_LOG_FORMAT": log_format}
    script = (
        "import django, logging; django.setup();"
        "print(*(type(handler).__name__ for handler in logging.getLogger().handlers))"
    )
    command = [sys.executable, "-c", script]
    environ["DJANGO_SETTINGS_MODULE"] = "birdwatcher.settings"
    done = subprocess.run(
        command, cwd=config.BASE_DIR, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [handler]


def test_a_state_directory_that_cannot_be_made(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        said = sentence(environ | {"BIRDWATCHER_STATE_DIR": str(path)})
        assert str(path) in said


def test_a_missing_secret_key_names_the_cure(environ: dict[str, str]) -> None:
    del environ["BIRDWATCHER_SECRET_KEY"]
    said = sentence(environ)
    assert "BIRDWATCHER_SECRET_KEY is not set" in said
    assert "token_urlsafe" in said


def test_with_debug_all_processes_share_one_kept_key(environ: dict[str, str]) -> None:
    del environ["BIRDWATCHER_SECRET_KEY"]
    environ["BIRDWATCHER_DEBUG"] = "1"
    with ThreadPoolExecutor(16) as pool:
        keys = {c.secret_key for c in pool.map(config.load, [environ] * 64)}
    assert len(keys) == 1
    state_dir = Path(environ["BIRDWATCHER_STATE_DIR"])
    assert [path.name for path in state_dir.iterdir()] == ["secret_key"]
    assert stat.S_IMODE((state_dir / "secret_key").stat().st_mode) == 0o600
    assert keys == {config.load(environ).secret_key}


def test_postgresql_url() -> None:
    url = "postgresql://birds:p%40ss%2Fword@db.example.org:5433/birdwatcher?sslmode=require"
    database = parse_database_url(url)
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"]) == ("birds", "p@ss/word")
    assert (database["HOST"], database["PORT"]) == ("db.example.org", 5433)
    assert database["OPTIONS"]["sslmode"] == "require"
    assert database["OPTIONS"]["application_name"] == "birdwatcher web"
    assert (database["CONN_MAX_AGE"], database["CONN_HEALTH_CHECKS"]) == (60, True)


def test_parameters_in_the_url_win() -> None:
    url = "postgres://localhost/birdwatcher?application_name=test&connect_timeout=1"
    database = parse_database_url(url)
    assert database["OPTIONS"]["application_name"] == "test"
    assert database["OPTIONS"]["connect_timeout"] == 1


def test_with_debug_no_connection_is_kept(environ: dict[str, str]) -> None:
    environ["DATABASE_URL"] = "postgres://localhost/birdwatcher"
    assert config.load(environ).database["CONN_MAX_AGE"] == 60
    assert config.load(environ | {"BIRDWATCHER_DEBUG": "1"}).database["CONN_MAX_AGE"] == 0


def test_sqlite_paths_are_absolute_and_percent_decoded() -> None:
    database = parse_database_url("sqlite:////srv/my%20birds.sqlite3")
    assert database["NAME"] == Path("/srv/my birds.sqlite3")
    database = parse_database_url("sqlite:///birds.sqlite3")
    assert database["NAME"] == Path.cwd() / "birds.sqlite3"


def test_a_state_directory_with_a_strange_name(environ: dict[str, str], tmp_path: Path) -> None:
    strange = tmp_path / "100% of? the #birds"
    environ["BIRDWATCHER_STATE_DIR"] = str(strange)
    assert config.load(environ).database["NAME"] == strange / "birdwatcher.sqlite3"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("birds", "cannot be understood"),
        ("postgresql://user:se[cret@host/name", "cannot be understood"),
        ("postgresql://user:secret@host:port/name", "cannot be understood"),
        ("postgresql://user:secret@host", "lacks the name"),
        ("mysql://user:secret@host/name", "does not support"),
        ("sqlite://", "must name a file"),
        ("sqlite://:memory:", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///birds?timeout=1", "takes none for SQLite"),
    ],
)
def test_a_wrong_url_is_one_sentence_without_the_password(
    environ: dict[str, str], url: str, said: str
) -> None:
    text = sentence(environ | {"DATABASE_URL": url})
    assert text.startswith("DATABASE_URL")
    assert said in text
    assert "cret" not in text


def test_the_page_shows_every_setting() -> None:
    text = document.PAGE.read_text(encoding="utf-8")
    assert text == document.render_page(text), (
        "write it anew: python -m birdwatcher.configuration.document"
    )
    assert all(f"\n| `{setting.name}` | " in text for setting in config.SETTINGS)


def test_no_secret_is_shown(environ: dict[str, str]) -> None:
    environ["DATABASE_URL"] = "postgres://user:hunter2@localhost/birdwatcher"
    shown = repr(config.load(environ))
    assert KEY not in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("given", "taken"),
    [("/", ""), ("/birds/", "/birds"), ("/a/b.c", "/a/b.c"), ("/birds", "/birds")],
)
def test_a_path_ends_without_a_slash(environ: dict[str, str], given: str, taken: str) -> None:
    assert config.load(environ | {"BIRDWATCHER_PATH_PREFIX": given}).path_prefix == taken
