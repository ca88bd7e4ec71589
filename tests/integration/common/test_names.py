"""Odd names that nodes may send, from every side: kept, listed, edited, never disturbing."""

import csv
import datetime
import html
import io
import json
import logging
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node
from nodeproc.logs.lines import TextFormatter
from nodeproc.sources.tcp.events import parse_event
from nodeproc.text import printable

NOON = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
NAMES = [
    "Robin ",
    " ",
    "a\tb",
    "two\nlines\r",
    "\x1b[2J\x9b31m",
    "gpj.\u202eecnalg",
    "\ufeff=1+1",
    "\xa0=1",
    "=1",
    "\u0645\u06cc\u200c\u062e",
]


@pytest.fixture
def client(database: object) -> Client:
    """A browser in which a superuser is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def sent() -> dict[str, Bird]:
    """Make a bird and a species of each name, as the daemon does after it read their packets."""
    node = Node.objects.create(name="Dartmoor", ip_address="10.0.3.2", port=9999)
    birds = {}
    for name in NAMES:
        packet = json.dumps({"timestamp": NOON.isoformat(), "species": name, "name": name})
        _, species, kept = parse_event(packet.encode())
        bird = Bird(timestamp=NOON, name=kept, node=node)
        bird.species = Species.objects.create(name=species)
        bird.save()
        birds[name] = bird
    return birds


def test_each_is_kept_and_listed_exactly(client: Client) -> None:
    sent()
    listed = client.get("/api/v1/birds").json()["results"]
    assert sorted(it["name"] for it in listed) == sorted(NAMES)
    assert sorted(it["species"] for it in listed) == sorted(NAMES)
    lines = _file(client, "jsonl").splitlines()
    assert sorted(json.loads(line)["name"] for line in lines) == sorted(NAMES)


def test_each_can_be_entered_through_the_api(client: Client) -> None:
    node = Node.objects.create(name="Dartmoor", ip_address="10.0.3.2", port=9999)
    for name in NAMES:
        bird = {"timestamp": NOON.isoformat(), "name": name, "species": name, "node_id": node.pk}
        answer = client.post("/api/v1/birds", json.dumps(bird), content_type="application/json")
        assert answer.status_code == 201, answer.content
        assert Bird.objects.get(pk=answer.json()["id"]).species.name == name


def test_each_survives_an_edit_of_something_else(client: Client) -> None:
    for name, bird in sent().items():
        page = f"/admin/birds/bird/{bird.pk}/change/"
        form = client.get(page).context["adminform"].form
        data = {
            "timestamp_0": "2026-05-02",
            "timestamp_1": "08:46:00",
            "species": bird.species_id,
            "node": bird.node_id,
            "name": re.sub("[\r\n]", "", form["name"].value()),  # as a browser does
        }
        assert client.post(page, data).status_code == 302, name
        assert Bird.objects.get(pk=bird.pk).name == name
        page = f"/admin/birds/species/{bird.species_id}/change/"
        assert client.post(page, {"name": re.sub("[\r\n]", "", name)}).status_code == 302, name
        assert Species.objects.get(pk=bird.species_id).name == name


def test_what_people_type_loses_its_outer_spaces(client: Client) -> None:
    client.post("/admin/birds/species/add/", {"name": " Wren "})
    assert Species.objects.get().name == "Wren"
    answer = client.post("/admin/birds/species/add/", {"name": "  "})
    assert "This field is required." in answer.content.decode()


def test_none_disturbs_a_file_a_log_or_a_title(client: Client) -> None:
    birds = sent()
    text = _file(client, "csv")
    assert printable(text.replace("\r\n", "")) == text.replace("\r\n", "")
    assert text.count("\n") == len(NAMES) + 1
    cells = {row["name"] for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert {r"\ufeff=1+1", "'\xa0=1", "'=1", r"\x1b[2J\x9b31m", "Robin "} <= cells
    record = logging.makeLogRecord({"levelname": "INFO", "msg": "".join(NAMES)})
    line = TextFormatter().format(record)
    assert line == printable(line)
    turned = birds["gpj.\u202eecnalg"]
    page = client.get(f"/species/{turned.species_id}/").content.decode()
    (title,) = re.findall("<title>(.*?)</title>", page, flags=re.DOTALL)
    assert r"gpj.\u202eecnalg" in html.unescape(title)


@pytest.mark.parametrize(
    "address",
    [
        "/admin/birds/bird/?species__id__exact=%00",
        "/admin/birds/bird/?q=%00",
        "/admin/nodes/node/?q=a%00",
        "/admin/auth/user/?username__exact=%00",
        "/admin/autocomplete/?app_label=birds&model_name=bird&field_name=species&term=%00",
    ],
)
def test_the_admin_refuses_a_null_character(client: Client, address: str) -> None:
    assert client.get(address).status_code == 400


def _file(client: Client, form: str) -> str:
    answer = client.get(f"/api/v1/birds?format={form}")
    return b"".join(answer).decode()
