"""Errors of the API: JSON with a sentence, whatever goes wrong and whoever answers."""

import logging
from collections.abc import Callable

import django.db
import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from birdwatcher.api import errors
from birdwatcher.api.counts.views import Counts
from tests.support.flock import make_flock
from tests.support.program import Caller

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def shape(caller: Caller, status: int, method: str, path: str, **options: object) -> str:
    """Return the sentence of an error, whose form is checked."""
    answer = caller.ask(method, path, **options)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    told = answer.json()
    assert told.keys() == ({"detail", "errors"} if status == 400 else {"detail"})
    assert told["detail"].endswith((".", ")", "”"))
    return str(told["detail"])


def test_every_error_has_the_one_shape(caller: Callable[..., Caller]) -> None:
    asking, stranger = caller(), Caller("bw_" + 43 * "x")
    for status, method, path, options in (
        (400, "GET", "birds?start=soon", {}),
        (404, "GET", "nodes/99", {}),
        (404, "GET", "nodes/x", {}),
        (404, "GET", "nodes/", {}),
        (404, "GET", "/api/", {}),
        (404, "POST", "/api/v2/nodes", {}),
        (405, "PUT", "birds", {"body": {}}),
        (405, "OPTIONS", "birds", {}),
        (405, "POST", "counts", {"body": {}}),
        (406, "GET", "nodes", {"Accept": "text/html"}),
        (406, "GET", "nodes?format=xml", {}),
        (406, "GET", "nodes/1?format=csv", {}),
        (415, "POST", "nodes", {"body": {}, "content_type": "text/plain"}),
    ):
        shape(asking, status, method, path, **options)
    assert "not valid" in shape(stranger, 401, "GET", "nodes")
    assert "reading only" in shape(caller("admin", "read"), 403, "DELETE", "nodes/1")
    answer = Caller().ask("GET", "nodes")
    assert answer["WWW-Authenticate"] == 'Bearer realm="Birdwatcher"'


def test_a_parameter_that_does_not_exist_is_an_error_everywhere(
    caller: Callable[..., Caller],
) -> None:
    (bird,) = make_flock(seed=1, count=1)
    asking = caller()
    for method, path in (
        ("GET", "schema/"),
        ("GET", "counts"),
        ("GET", f"birds/{bird.pk}"),
        ("HEAD", f"birds/{bird.pk}"),
        ("GET", f"nodes/{bird.node_id}/count"),
        ("DELETE", f"birds/{bird.pk}"),
        ("POST", "birds"),
        ("POST", f"nodes/{bird.node_id}/disable"),
        ("PATCH", f"species/{bird.species_id}"),
    ):
        answer = asking.ask(method, f"{path}?force=1", None if method == "GET" else {})
        assert answer.status_code == 400, (method, path)
        if method != "HEAD":
            assert answer.json()["errors"]["force"] == ["There is no such parameter."]
    bird.refresh_from_db()
    assert bird.node.enabled
    for path in ("schema", f"birds/{bird.pk}", f"nodes/{bird.node_id}/count"):
        assert asking.ask("GET", f"{path}?format=json").status_code == 200


def test_a_body_that_is_no_json(caller: Callable[..., Caller]) -> None:
    for data in ("{", '{"name": NaN}', '"\\ud800"', "[]", "null", "[" * 100_000):
        answer = caller().client.post(
            "/api/v1/species",
            data,
            content_type="application/json",
            headers=caller().headers,
        )
        assert answer.status_code == 400, data
        assert answer.json().keys() == {"detail", "errors"}


def test_a_query_that_django_will_not_read(
    caller: Callable[..., Caller], caplog: pytest.LogCaptureFixture
) -> None:
    many = f"nodes?{(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1) * '&a'}"
    assert shape(caller(), 400, "GET", many) == errors.UNREADABLE
    assert shape(Caller(), 400, "GET", many) == errors.UNREADABLE
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("debug", [False, True])
def test_what_fails_unexpectedly_shows_nothing_of_it(
    caller: Callable[..., Caller],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    debug: bool,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    with override_settings(DEBUG=debug), caplog.at_level(logging.ERROR):
        asking = caller()
        monkeypatch.setattr(Counts, "get", fail)
        assert shape(asking, 500, "GET", "counts?by=node") == errors.FAILED
        # Outside the API's own code, too.
        monkeypatch.setattr("birdwatcher.server.headers.HeadersMiddleware.__call__", fail)
        assert shape(asking, 500, "GET", "counts?by=node") == errors.FAILED
    assert "the secret of the house" in caplog.text


def test_a_host_that_is_not_ours(caller: Callable[..., Caller]) -> None:
    answer = caller().ask("GET", "nodes", Host="elsewhere.example")
    assert (answer.status_code, answer.json()["detail"]) == (400, errors.UNREADABLE)


def test_what_was_changed_meanwhile_can_be_tried_again(
    caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise django.db.IntegrityError("a foreign key")

    monkeypatch.setattr(Counts, "get", fail)
    assert shape(caller(), 503, "GET", "counts?by=node") == errors.CHANGED


def test_a_database_that_is_away(
    caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = caller()
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", "/nowhere/birdwatcher.sqlite3")
    for path in ("nodes", "birds?format=csv", "counts?by=node"):
        assert shape(asking, 503, "GET", path) == errors.AWAY
    assert asking.ask("GET", "nodes")["Retry-After"] == "5"
    connection.close()
