"""Lines that clients cause, folded by kind, whatever the client chose in them."""

import logging

import pytest

from birdwatcher.server.repeats import FoldRequests


def line(name: str, message: str, *args: object, level: int = logging.WARNING) -> logging.LogRecord:
    """Return a record of the logger called `name`."""
    return logging.LogRecord(name, level, __file__, 1, message, args, None)


@pytest.mark.parametrize(
    ("name", "message", "args"),
    [
        ("django.request", "%s: %s", ("Not Found", "/{}")),
        ("django.request", "Method Not Allowed (%s): %s", ("GET{}", "/")),
        ("django.request", "Forbidden (Permission denied): %s", ("/{}",)),
        ("django.security.DisallowedHost", "Invalid HTTP_HOST header: '{}'.", ()),
        ("django.security.csrf", "Forbidden (%s): %s", ("Origin https://{} is wrong", "/login/")),
        ("uvicorn.error", "Invalid HTTP request received.", ()),
    ],
)
def test_a_thousand_lines_of_a_kind_are_a_few(
    name: str, message: str, args: tuple[str, ...]
) -> None:
    fold = FoldRequests()
    records = [line(name, message.format(n), *(it.format(n) for it in args)) for n in range(1000)]
    assert sum(map(fold.filter, records)) == 3
    # Others are not left out with them.
    assert fold.filter(line("django.request", "%s: %s", "Internal Server Error", "/", level=40))
    assert all(fold.filter(line("birdwatcher.web", "reloading")) for _ in range(100))


def test_failures_at_different_places_are_different_lines() -> None:
    fold = FoldRequests()
    written = 0
    for number in range(10):
        for place in ("int('x')", "[][1]"):
            record = line("django.request", "%s: %s", "Internal Server Error", f"/{number}")
            try:
                exec(place)  # noqa: S102 a failure with a traceback
            except (ValueError, IndexError) as error:
                record.exc_info = (type(error), error, error.__traceback__)
            written += fold.filter(record)
    assert written == 6
