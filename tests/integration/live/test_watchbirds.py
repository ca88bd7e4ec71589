"""`watchbirds`: a terminal that follows the birds, whatever happens to the web UI."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from birdwatcher.birds.models import Bird
from tests.support.databases import Database
from tests.support.follower import make_user
from tests.support.livefeed import Field, Web
from tests.support.ports import PortBlock
from tests.support.processes import Processes, Program
from tests.support.program import token_of
from tests.support.waiting import STARTING, wait_until

Watch = Callable[..., Program]


@pytest.fixture
def watch(processes: Processes, database: Database) -> Watch:
    """`watch(*arguments, token="")`: follow the birds."""

    def start(*arguments: str, token: str = "") -> Program:
        # It needs none of what the server needs.
        env = {**database.env, "DATABASE_URL": "sqlite:////nowhere", "TZ": "Asia/Kathmandu"}
        return processes.manage("watchbirds", *arguments, env=env | {"BIRDWATCHER_TOKEN": token})

    return start


def ids(program: Program) -> list[int]:
    """Return the birds that were printed."""
    lines = program.text().splitlines(keepends=True)  # the last one may not be whole yet
    said = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]
    return [bird["id"] for it in said if it["type"] == "birds" for bird in it["birds"]]


def keys() -> list[int]:
    """Return the keys of all birds."""
    return list(Bird.objects.order_by("pk").values_list("pk", flat=True))


def test_each_bird_is_printed_once_across_a_restart_of_the_web_ui(
    web: Web, field: Field, watch: Watch, tmp_path: Path
) -> None:
    field.hear(1500)
    file = tmp_path / "token"
    file.write_text(token_of("viewer") + "\n")
    url = f"http://{web.address}/"
    every = watch("--json", "--since", "0", "--url", url, "--token-file", str(file))
    wrens = watch("--species", "Wren", "Robin", "--url", url, token=token_of("viewer"))
    wait_until(lambda: ids(every) == keys(), timeout=STARTING, message="all are printed")
    wrens.wait_for_line("^Following the birds of ws://")
    field.hear(7)
    web.program.send(signal.SIGHUP)
    field.hear(7)
    wrens.wait_for_line(r"^The connection has ended \(the web UI restarts\); trying again in ")
    birds = field.hear(7)
    wait_until(lambda: ids(every) == keys(), timeout=STARTING, message="each is printed once")
    last = wrens.wait_for_line(rf"^2026-05-01 (.*) Moor 1: Robin, #1520 \[{birds[-1].pk}\]$")
    assert last[1] == "18:10:20"  # five hours and three quarters ahead, of 12:25:20
    assert wrens.text().count(" Moor ") == 21
    Bird.objects.filter(pk=birds[0].pk).delete()
    wrens.wait_for_line(rf"^deleted: {birds[0].pk}$")
    for program in (every, wrens):
        program.press_ctrl_c()
        assert program.wait() == 0
        assert "Traceback" not in program.text()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_cannot_be_is_said_in_one_sentence(
    web: Web, field: Field, watch: Watch, ports: PortBlock
) -> None:
    make_user("nobody", may_read=False)
    url, nobody_there = f"ws://{web.address}", f"ws://127.0.0.1:{ports.take()}"
    token = token_of("viewer")
    programs = {
        watch("--url", nobody_there): r"cannot be reached: .*refused.*\. Is the web UI running",
        watch("--url", url): "The web UI asks for a token: ",
        watch("--url", url, token="bw_x"): "The web UI does not accept this token: ",
        watch("--url", url, token=token_of("nobody")): "This user may not see birds.",
        watch("--url", url, "--species", "Dodo", token=token): "There is no species 'Dodo'.",
        watch("--url", f"{url}/nowhere"): r"answers, but not .* \(HTTP status 403\).",
        watch("--url", "birds"): "'birds' is no address of a web UI: ",
        watch("--token-file", "/nowhere"): "The token in /nowhere cannot be read: ",
    }
    for program, sentence in programs.items():
        program.wait_for_line(f"^CommandError: .*{sentence}")
        assert program.wait() == 1
        assert len(program.text().splitlines()) == 1
