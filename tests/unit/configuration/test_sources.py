"""Where values come from: the environment, credentials, the environment file, in this order."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from birdwatcher.configuration import config
from birdwatcher.configuration.sources import gather, misspelt

NAMES = [setting.name for setting in config.SETTINGS]
SECRET = "se-cret"


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """An empty environment file."""
    path = tmp_path / "birdwatcher.env"
    path.touch()
    return path


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """An empty directory of credentials."""
    path = tmp_path / "credentials"
    path.mkdir()
    return path


@pytest.fixture
def environ(env_file: Path, credentials: Path) -> dict[str, str]:
    """An environment that leads to both."""
    return {"BIRDWATCHER_ENV_FILE": str(env_file), "CREDENTIALS_DIRECTORY": str(credentials)}


def value(environ: dict[str, str], name: str) -> str | None:
    """Return what `name` is found to be."""
    return gather(environ, NAMES).get(name)


def sentence(environ: dict[str, str]) -> str:
    """Return what is complained of, which is one sentence and tells no secret."""
    with pytest.raises(ImproperlyConfigured) as caught:
        gather(environ, NAMES)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith((".", "?"))
    assert SECRET not in text
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return text


def test_the_first_source_wins(environ: dict[str, str], env_file: Path, credentials: Path) -> None:
    name = "BIRDWATCHER_TIME_ZONE"
    credential = credentials / f"birdwatcher_{name}"
    assert value(environ, name) is None
    env_file.write_text(f"{name}=Europe/Oslo\n")
    assert value(environ, name) == "Europe/Oslo"
    credential.write_text("Europe/Rome\n")
    assert value(environ, name) == "Europe/Rome"
    assert value(environ | {name: "Europe/Riga"}, name) == "Europe/Riga"
    # An empty value is none.
    assert value(environ | {name: " "}, name) == "Europe/Rome"
    credential.write_text("\n")
    assert value(environ, name) == "Europe/Oslo"
    env_file.write_text(f"{name}=\n")
    assert value(environ, name) is None


def test_what_is_not_ours_stays_outside(environ: dict[str, str], credentials: Path) -> None:
    (credentials / "another_SECRET").write_text("x")
    for left_by_an_editor in ("DATABASE_URL~", ".DATABASE_URL.swp", "DATABASE_URL.bak"):
        (credentials / f"birdwatcher_{left_by_an_editor}").write_text("x")
    assert gather(environ | {"PATH": "/bin"}, NAMES) == {
        "BIRDWATCHER_ENV_FILE": environ["BIRDWATCHER_ENV_FILE"]
    }


def test_only_the_line_break_at_the_end_is_no_part_of_a_credential(
    environ: dict[str, str], credentials: Path
) -> None:
    (credentials / "birdwatcher_BIRDWATCHER_SECRET_KEY").write_text(" a#b$c'd \n\n")
    assert value(environ, "BIRDWATCHER_SECRET_KEY") == " a#b$c'd \n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("BIRDWATCHER_TIME_ZONE=UTC  # of course", "UTC"),
        ("export BIRDWATCHER_TIME_ZONE = 'UTC'", "UTC"),
        ('BIRDWATCHER_TIME_ZONE="a b # c"', "a b # c"),
        ("BIRDWATCHER_TIME_ZONE=${HOME}", "${HOME}"),
        ("#BIRDWATCHER_TIME_ZONE=UTC", None),
        ("BIRDWATCHER_TIME_ZONE=UTC\r", "UTC"),
    ],
)
def test_lines_of_the_file(
    environ: dict[str, str], env_file: Path, line: str, expected: str | None
) -> None:
    env_file.write_text(f"\n# a comment\n{line}\n")
    assert value(environ, "BIRDWATCHER_TIME_ZONE") == expected


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "BIRDWATCHER_BAKCOFF_CAP=3",
            "did you mean BIRDWATCHER_BACKOFF_CAP",
        ),
        (f"PASSWORD={SECRET}", "PASSWORD in line 4 of .* is no variable of Birdwatcher."),
        ("BIRDWATCHER_DEBUG", "cannot be understood"),
        (f'BIRDWATCHER_SECRET_KEY="{SECRET}', "cannot be understood"),
        (f"BIRDWATCHER_SECRET_KEY='a' {SECRET}", "cannot be understood"),
        ("BIRDWATCHER_ENV_FILE=/elsewhere", "only the process environment"),
    ],
)
def test_a_wrong_line_is_named(
    environ: dict[str, str], env_file: Path, line: str, said: str
) -> None:
    env_file.write_text(f"# a comment\nBIRDWATCHER_DEBUG=0\n\n{line}\n# the end\n")
    with pytest.raises(ImproperlyConfigured, match=said):
        gather(environ, NAMES)
    assert f"in line 4 of {env_file}" in sentence(environ)


def test_a_file_that_cannot_be_read(environ: dict[str, str], env_file: Path) -> None:
    env_file.write_bytes(b"\xff\xfe")
    assert sentence(environ) == f"BIRDWATCHER_ENV_FILE '{env_file}' cannot be read: it is not text."
    env_file.unlink()
    assert sentence(environ).endswith("cannot be read: No such file or directory.")
    env_file.mkdir()
    assert sentence(environ).endswith("cannot be read: Is a directory.")


def test_a_credential_that_cannot_be_used(environ: dict[str, str], credentials: Path) -> None:
    wrong = credentials / "birdwatcher_DATABSE_URL"
    wrong.write_text(SECRET)
    said = sentence(environ)
    assert said.startswith("DATABSE_URL among the credentials is no variable of Birdwatcher")
    assert said.endswith("; did you mean DATABASE_URL?")
    wrong.unlink()
    (credentials / "birdwatcher_DATABASE_URL").write_bytes(SECRET.encode() + b"\xff")
    assert sentence(environ) == "The credential DATABASE_URL cannot be read: it is not text."


def test_a_second_reading_sees_what_was_changed(
    environ: dict[str, str], env_file: Path, credentials: Path, tmp_path: Path
) -> None:
    environ["BIRDWATCHER_STATE_DIR"] = str(tmp_path)
    (credentials / "birdwatcher_BIRDWATCHER_SECRET_KEY").write_text("k" * 50)
    env_file.write_text("BIRDWATCHER_BACKOFF_CAP=5\n")
    assert config.load(environ).daemon.node.backoff_cap == 5
    env_file.write_text("BIRDWATCHER_BACKOFF_CAP=7\n")
    assert config.load(environ).daemon.node.backoff_cap == 7


def test_variables_that_nobody_reads_are_named() -> None:
    environ = {
        "BIRDWATCHER_PUBLIK": "1",
        "BIRDWATCHER_XYZ": "",
        "BIRDWATCHER_PUBLIC": "1",
        "BIRDWATCHER_TOKEN": "bw_",
        "HOME": "/root",
    }
    first, second = misspelt(environ, [setting.name for setting in config.SETTINGS])
    assert first.startswith("BIRDWATCHER_PUBLIK in the environment is no variable")
    assert first.endswith("did you mean BIRDWATCHER_PUBLIC?")
    assert second.startswith("BIRDWATCHER_XYZ in")
    assert second.endswith(".")
