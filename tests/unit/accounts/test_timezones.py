"""Time zones: which one counts, and where its days begin."""

import datetime
import zoneinfo

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from birdwatcher.accounts.forms import TimeZoneForm
from birdwatcher.accounts.timezones import TimeZoneMiddleware, find_zone, midnight, today
from birdwatcher.accounts.views import set_time_zone

UTC = datetime.UTC
HOUR = datetime.timedelta(hours=1)


def utc(*numbers: int) -> datetime.datetime:
    """Return a time in UTC."""
    return datetime.datetime(*numbers, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("zone", "now", "start", "hours"),
    [
        ("UTC", utc(2026, 5, 1, 8), utc(2026, 5, 1), 24),
        # Already tomorrow, still yesterday, and at a quarter of an hour.
        ("Pacific/Auckland", utc(2026, 5, 1, 13), utc(2026, 5, 1, 12), 24),
        ("America/Los_Angeles", utc(2026, 5, 1, 3), utc(2026, 4, 30, 7), 24),
        ("Asia/Kathmandu", utc(2026, 5, 1, 18, 20), utc(2026, 5, 1, 18, 15), 24),
        # Clocks go forward, and back, during the day.
        ("Europe/London", utc(2026, 3, 29, 12), utc(2026, 3, 29), 23),
        ("Europe/London", utc(2026, 10, 25, 12), utc(2026, 10, 24, 23), 25),
        # They skip midnight: the day begins at 01:00.
        ("Africa/Cairo", utc(2026, 4, 24, 12), utc(2026, 4, 23, 22), 23),
        # They go back from 01:00 to midnight, which comes twice.
        ("America/Havana", utc(2026, 11, 1, 12), utc(2026, 11, 1, 4), 25),
        # By half an hour.
        ("Australia/Lord_Howe", utc(2026, 4, 4, 20), utc(2026, 4, 4, 13), 24.5),
    ],
)
def test_today_is_the_viewers(
    zone: str, now: datetime.datetime, start: datetime.datetime, hours: float
) -> None:
    with timezone.override(zone):
        assert today(now) == (start, start + hours * HOUR)


def test_a_date_that_a_zone_left_out_has_no_length() -> None:
    """Samoa went to bed on 29 December 2011 and rose on the 31st."""
    with timezone.override("Pacific/Apia"):
        assert midnight(datetime.date(2011, 12, 30)) == midnight(datetime.date(2011, 12, 31))


@pytest.mark.parametrize("name", ["UTC", "Europe/London", "America/Argentina/ComodRivadavia"])
def test_a_zone_is_found_by_its_name(name: str) -> None:
    assert find_zone(name) == zoneinfo.ZoneInfo(name)


@pytest.mark.parametrize(
    "name",
    ["", "Europe", "Mars/Base", "../../etc/passwd", "/etc/localtime", "a\0b", "x" * 100, "é", "."],
)
def test_nonsense_is_no_zone(name: str) -> None:
    assert find_zone(name) is None
    assert not TimeZoneForm({"zone": name}).is_valid()


@pytest.mark.parametrize(
    ("cookie", "shown"), [("Asia/Kathmandu", "Asia/Kathmandu"), ("Mars/Base", "UTC"), (None, "UTC")]
)
def test_a_page_is_shown_in_the_zone_of_its_cookie(cookie: str | None, shown: str) -> None:
    def page(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(timezone.get_current_timezone_name())

    request = RequestFactory().get("/")
    if cookie:
        request.COOKIES["timezone"] = cookie
    assert TimeZoneMiddleware(page)(request).content.decode() == shown
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize(
    ("wanted", "opened"),
    [
        ("/birds/?species=7", "/birds/?species=7"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_another_zone_is_remembered_and_the_page_is_opened_again(wanted: str, opened: str) -> None:
    request = RequestFactory().post("/time-zone/", {"zone": "Europe/London", "next": wanted})
    response = set_time_zone(request)
    assert response["Location"] == opened
    cookie = response.cookies["timezone"]
    assert cookie.value == "Europe/London"
    assert (cookie["samesite"], cookie["max-age"]) == ("Lax", 365 * 24 * 3600)
