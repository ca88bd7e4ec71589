"""The API as programs meet it: served, and asked from outside the process."""

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.limits import BODY_BYTES
from birdwatcher.nodes.models import Node, RejectedPacket, StatusChange
from tests.support import documents, requirements
from tests.support.databases import Database
from tests.support.flock import NOON, SECOND, insert, make_flock
from tests.support.program import token_of

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,negative_data_rejection,"
    "unsupported_method"
)
LONG = ["--phases=examples,coverage,fuzzing,stateful", "--max-examples=20"]
ASKED = re.compile(r"^ +(\d+) generated, \1 passed", re.MULTILINE)


def explore(url: str, directory: Path, *options: str) -> int:
    """Ask whatever the schema allows, and what it does not; return how often that was."""
    program = Path(sys.executable).parent / "schemathesis"
    command = [str(program), "run", f"{url}/schema/", "--no-color", "--seed=1"]
    command += ["--generation-deterministic", f"--checks={CHECKS}", *options]
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=900
    )
    asked = ASKED.search(done.stdout)
    assert done.returncode == 0, done.stdout[:20_000]
    assert asked, done.stdout[-2_000:]
    return int(asked[1])


def fill() -> None:
    """Make something of everything."""
    for bird in make_flock(seed=1, count=30)[:2]:
        StatusChange.objects.create(node=bird.node, at=NOON, state="connected")
        RejectedPacket.objects.create(
            node=bird.node, at=NOON, reason="not JSON", size=3, raw=b"\0\xff{"
        )


@pytest.mark.parametrize(
    ("database", "roles"),
    [("sqlite", ("anonymous", "viewer")), ("postgresql", ("admin",))],
    indirect=["database"],
)
@pytest.mark.timeout(1800 if "BIRDWATCHER_FUZZ_API" in os.environ else 180)
def test_no_answer_is_outside_the_schema(
    database: Database, roles: tuple[str, ...], start_api: Callable[..., str], tmp_path: Path
) -> None:
    fill()
    url = start_api(
        BIRDWATCHER_PUBLIC="1",
        BIRDWATCHER_API_RATE="1000000",
        BIRDWATCHER_API_ANONYMOUS_RATE="1000000",
    )
    for role in roles:
        # What only an admin can do is tried out more thoroughly.
        short = "--max-examples=5" if role == "admin" else "--max-examples=1"
        options = LONG if "BIRDWATCHER_FUZZ_API" in os.environ else ["--phases=fuzzing", short]
        if role != "anonymous":
            options = [*options, "--header", f"Authorization: Bearer {token_of(role)}"]
        assert explore(url, tmp_path, *options) > 20


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_body_that_is_too_large(database: Database, start_api: Callable[..., str]) -> None:
    request = urllib.request.Request(  # noqa: S310
        f"{start_api()}/nodes",
        data=b"x" * (BODY_BYTES + 1),
        headers={"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as refused:
        opener.open(request, timeout=30)
    with refused.value as answer:
        assert (answer.code, answer.headers["Content-Type"]) == (413, "application/json")
        assert json.loads(answer.read()) == {"detail": "Request Entity Too Large."}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_quick_start_does_what_it_says(
    database: Database, start_api: Callable[..., str], tmp_path: Path
) -> None:
    """Each line as it stands there; where an answer follows it, it has to be that."""
    if not shutil.which("curl"):
        requirements.left_out("curl", "curl is not installed")
    node = Node.objects.create(pk=24, name="Dartmoor", ip_address="10.0.3.2", port=9999)
    species = Species.objects.create(name="Erithacus rubecula")
    end = datetime.datetime(2026, 5, 1, 8, 46, tzinfo=datetime.UTC)
    insert(
        Bird(timestamp=end - number * SECOND, name="Robin", node=node, species=species)
        for number in range(42)
    )
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    environment |= {"API": start_api(), "TOKEN": token_of("admin")}
    first, *others = documents.shown_in(documents.section_of("docs/api.md", "## Quick start"))
    assert first.line == "export API=https://birds.example.org/api/v1 TOKEN=bw_…"
    assert len(others) == 9
    for shown in others:
        done = subprocess.run(
            ["bash", "-c", shown.line],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0, (shown.line, done.stderr)
        if shown.output:
            assert done.stdout.decode() == shown.output
    assert len((tmp_path / "birds.csv").read_text().splitlines()) == 43
    assert Bird.objects.count() == 43
    assert Node.objects.get().restarts == 1
