import pytest, json
from tests.support.program import Caller, token_of
from tests.support.flock import *


def test_it(database, caller):
    birds = make_flock(1, 60)
    c = caller()
    for p in [
        "nodes",
        "species",
        "birds?page_size=5",
        "rejected-packets",
        "status-changes",
        "counts?by=node",
        "counts?by=day&start=2025-05-30T00:00:00Z&end=2025-06-02T00:00:00Z&tz=Asia/Kathmandu",
        "nodes/1/count",
        "species/1/count?ts=2025-06-01T00:00:00 02:00",
        "birds/1",
        "nodes/1",
        "schema/",
    ]:
        print(p, json.dumps(c.get(p))[:600])
    print(
        c.post(
            "birds",
            {
                "timestamp": "2025-06-01T00:00:00Z",
                "name": "x",
                "species": "Neu",
                "node_id": birds[0].node_id,
            },
        )
    )
    print(c.post("nodes", {"name": "x", "ip_address": "::ffff:10.0.0.1", "port": 3}))
    print(c.post("nodes", {"name": "x", "ip_address": "10.0.0.1", "port": 3}, 400))
    print(c.post("nodes", {"name": "", "ip_address": "224.0.0.1", "port": 0}, 400))
    for m, p, b in [
        ("POST", "nodes/1/restart", None),
        ("POST", "nodes/1/disable", None),
        ("POST", "nodes/1/restart", None),
        ("DELETE", "nodes/1", None),
        ("GET", "nodes/1", None),
        ("GET", "/api/xx", None),
        ("GET", "/api/v1", None),
        ("GET", "birds?format=xml", None),
        ("GET", "birds?node=99", None),
        ("GET", "birds?nod=99", None),
        ("PUT", "birds", {}),
        ("GET", "birds?start=2026-01-01T00:00:00Z&end=2025-01-01T00:00:00Z", None),
        ("OPTIONS", "birds", None),
        ("GET", "status-changes?node=5&start=x", None),
    ]:
        r = c.ask(m, p, b)
        print(m, p, r.status_code, r.content[:300], r.headers.get("Content-Type"))
    r = c.ask("GET", "birds?format=csv")
    print(b"".join(r.streaming_content)[:300], r.headers)
    r = Caller().ask("GET", "birds")
    print(r.status_code, r.content, r.headers)
