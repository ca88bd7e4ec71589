"""The page of birds: its filters, pages and exports hold the rows of a direct query, no other."""

import csv
import datetime
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node
from tests.browser.site import heard, send
from tests.support.chromium import ZONE, Chromium
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.waiting import STARTING, wait_until

pytestmark = pytest.mark.xdist_group("browser")

SPECIES = ("Erithacus rubecula", "Troglodytes troglodytes", "シジュウカラ")
NAMES = ("Bob", "Åsa", "=1+1", 'Zoë "the loud", jr.', "Robin 🐦")
COUNT = 180  # birds of each node
MINUTE = datetime.timedelta(minutes=1)
LONG_AGO = datetime.timedelta(days=40)

# Of each row the moment, to the microsecond, and what else tells it from others.
Row = tuple[datetime.datetime, str, str, str]
ROWS = """
return [...document.querySelectorAll("table.birds tbody tr")].map((row) => [
    row.querySelector("time").dateTime, row.cells[1].innerText,
    row.cells[2].innerText, row.cells[3].innerText,
])
"""


@pytest.fixture
def nodes(
    database: Database,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
) -> list[Node]:
    """Two nodes, whose birds of the last hours came through the daemon; some are doubtful."""
    fields = [field_node() for _ in range(2)]
    nodes = [
        Node.objects.create(name=name, ip_address=field.host, port=field.port)
        for name, field in zip(("Dartmoor", "Exmoor"), fields, strict=True)
    ]
    daemon = start_daemon(database)
    for shift, field in enumerate(fields):
        wait_until(field.connected, timeout=STARTING, message="the daemon connects")
        send(
            field,
            *(
                heard(
                    f"{NAMES[(number + shift) % len(NAMES)]} {number}",
                    SPECIES[number % len(SPECIES)],
                    LONG_AGO if number % 7 == 0 else number * MINUTE,
                )
                for number in range(COUNT)
            ),
        )
    wait_until(
        lambda: Bird.objects.count() == 2 * COUNT,
        timeout=STARTING,
        message=lambda: f"{2 * COUNT} birds; there are {Bird.objects.count()}",
    )
    # Nothing more comes in while somebody leafs through them.
    assert daemon.stop() == 0
    return nodes


def rows_of(birds: QuerySet[Bird]) -> list[Row]:
    """Return what a direct query gives, newest first."""
    ordered = birds.order_by("-timestamp", "-pk")
    return list(ordered.values_list("timestamp", "name", "species__name", "node__name"))


def shown(browser: Chromium) -> list[Row]:
    """Return the rows of the open page."""
    return [(parse_datetime(moment), *texts) for moment, *texts in browser.run(ROWS)]


def leaf_through(browser: Chromium) -> list[list[Row]]:
    """Return the rows of the open page, and of each older one up to the last."""
    pages = [shown(browser)]
    while browser.texts(".pager [rel=next]"):
        browser.follow(".pager [rel=next]")
        pages.append(shown(browser))
    return pages


def choose(browser: Chromium, **fields: str) -> None:
    """Fill in the filters, those that are not named empty, and press the button."""
    if browser.texts(".bird-filters .buttons a"):
        browser.follow(".bird-filters .buttons a")
    for name, value in fields.items():
        field = browser.find(f".bird-filters [name={name}]")
        if field.tag_name == "select":
            browser.click(f".bird-filters [name={name}] option[value='{value}']")
        elif field.get_attribute("type") == "datetime-local":
            browser.run("arguments[0].value = arguments[1]", field, value)
        else:
            browser.type(f".bird-filters [name={name}]", value)
    browser.follow(".bird-filters button.primary")


def download(browser: Chromium, link: str) -> Path:
    """Click on an export; return its file when it is whole, which the page says, too."""
    before = set(_files(browser))
    browser.click(link)

    def arrived() -> list[Path]:
        return [it for it in _files(browser) if it not in before and it.suffix != ".crdownload"]

    (path,) = wait_until(arrived, timeout=STARTING, message="a file is downloaded")
    wait_until(
        lambda: browser.texts("#exports .badge")[:1] == ["done"],
        timeout=STARTING,
        message=lambda: f"the page says that it is done; it says {browser.texts('#exports')}",
    )
    return path


def _files(browser: Chromium) -> Iterable[Path]:
    # With the browser's own name for a file that is not whole yet.
    return browser.downloads.glob("*birds-*")


def csv_rows(path: Path) -> list[Row]:
    """Return the rows of a CSV file, an apostrophe that guards a spreadsheet taken away."""
    with path.open(newline="", encoding="utf-8") as lines:
        return [
            (
                parse_datetime(row["timestamp_utc"]),
                row["name"].removeprefix("'"),
                row["species"],
                row["node"],
            )
            for row in csv.DictReader(lines)
        ]


def json_rows(path: Path) -> list[Row]:
    """Return the rows of a file of JSON lines."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        (parse_datetime(it["timestamp"]), it["name"], it["species"], it["node"]) for it in lines
    ]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_filter_shows_the_rows_of_a_direct_query(
    nodes: list[Node], browser: Chromium, log_in: Callable[[str], None]
) -> None:
    wren = Species.objects.get(name=SPECIES[1])
    plausible = Bird.objects.filter(doubtful=False)
    start = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - 100 * MINUTE
    local = start.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None).isoformat()
    asked = [
        ({}, plausible),
        ({"node": str(nodes[0].pk)}, plausible.filter(node=nodes[0])),
        ({"species": str(wren.pk)}, plausible.filter(species=wren)),
        ({"name": "zO"}, plausible.filter(name__startswith="Zoë")),
        ({"from": local}, plausible.filter(timestamp__gte=start)),
        (
            {"to": local, "node": str(nodes[1].pk), "species": str(wren.pk), "name": "B"},
            plausible.filter(
                timestamp__lt=start, node=nodes[1], species=wren, name__startswith="B"
            ),
        ),
        ({"clock": "doubtful"}, Bird.objects.filter(doubtful=True)),
    ]
    log_in("viewer")
    browser.open("/birds/")
    for fields, birds in asked:
        choose(browser, **fields)
        expected = rows_of(birds)
        pages = leaf_through(browser)
        found = [row for page in pages for row in page]
        assert expected, f"{fields} finds nothing"
        assert found == expected, f"{fields} at {browser.url}"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_paging_and_exports(
    nodes: list[Node], browser: Chromium, log_in: Callable[[str], None]
) -> None:
    expected = rows_of(Bird.objects.filter(doubtful=False, node=nodes[1]))
    log_in("viewer")
    browser.open("/birds/")
    choose(browser, node=str(nodes[1].pk))
    pages = leaf_through(browser)
    assert [row for page in pages for row in page] == expected
    assert len(pages) > 3
    # The same pages backwards, up to the first.
    for page in reversed(pages[:-1]):
        browser.follow(".pager [rel=prev]")
        assert shown(browser) == page
    assert not browser.texts(".pager [rel=prev]")

    assert csv_rows(download(browser, "[data-export=csv]")) == expected
    assert json_rows(download(browser, "[data-export=jsonl]")) == expected
    assert f"{len(expected)} birds" in browser.text("#exports")
