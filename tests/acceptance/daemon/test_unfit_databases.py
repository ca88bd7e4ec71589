"""Databases that would lose something, or let a second daemon in, are refused at the start."""

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.support import pgbouncer
from tests.support.daemon import Daemon
from tests.support.databases import POSTGRESQL, Database
from tests.support.pgbouncer import PgBouncer
from tests.support.ports import PortBlock
from tests.support.postgres import PostgresCluster
from tests.support.processes import Processes
from tests.support.requirements import left_out
from tests.support.waiting import STARTING


@pytest.fixture
def encoded(
    request: pytest.FixtureRequest, shared_cluster: PostgresCluster, tmp_path: Path
) -> Iterator[Database]:
    """An empty database in the encoding of the parameter."""
    name = f"in_{request.param.lower()}"
    make = sql.SQL("CREATE DATABASE {} ENCODING {} LOCALE 'C' TEMPLATE template0")
    with shared_cluster.connect() as server:
        server.execute(make.format(sql.Identifier(name), sql.Literal(request.param)))
    yield Database(POSTGRESQL, shared_cluster.url(name), tmp_path)
    shared_cluster.drop_database(name)


@pytest.mark.parametrize("encoded", ["SQL_ASCII", "LATIN1"], indirect=True)
def test_an_encoding_that_loses_names_is_refused(encoded: Database, processes: Processes) -> None:
    programs = {
        command: processes.manage(command, env=encoded.env)
        for command in ("migrate", "connectnodes", "serve")
    }
    for command, program in programs.items():
        assert program.wait(STARTING) == os.EX_CONFIG, command
        (line,) = program.text().splitlines()
        assert "ENCODING 'UTF8' TEMPLATE template0" in line
    health = processes.manage("health", env=encoded.env)
    assert health.wait(STARTING) == 2
    assert health.text().startswith("CRITICAL: The database in_")


@pytest.fixture
def pooled(
    request: pytest.FixtureRequest,
    databases: object,
    database: Database,
    shared_cluster: PostgresCluster,
    ports: PortBlock,
) -> Iterator[Database]:
    """`database`, by way of a pooler in the mode of the parameter."""
    program = pgbouncer.find_program()
    if program is None:
        left_out("pgbouncer", "PgBouncer is not installed (Debian: pgbouncer)")
    pooler = PgBouncer(program, shared_cluster, ports.take(), request.param)
    yield dataclasses.replace(database, url=pooler.url(database.name))
    pooler.close()


@pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)
@pytest.mark.parametrize("pooled", ["transaction"], indirect=True)
def test_a_pooler_that_shares_sessions_is_refused(
    pooled: Database, start_daemon: Callable[..., Daemon]
) -> None:
    with psycopg.connect(pooled.url) as other:  # as the web UI, which has used it before
        other.execute("SELECT 1")
    daemon = start_daemon(pooled, up=False)
    assert daemon.wait(STARTING) == os.EX_CONFIG
    (line,) = daemon.text().splitlines()
    assert "pool_mode=session" in line


@pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)
@pytest.mark.parametrize("pooled", ["session"], indirect=True)
def test_a_pooler_that_keeps_sessions_serves(
    pooled: Database, start_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    start_daemon(pooled)
    second = start_daemon(pooled, up=False, BIRDWATCHER_STATE_DIR=str(tmp_path / "other"))
    assert second.wait(STARTING) == os.EX_TEMPFAIL
    assert "Another daemon serves this database already" in second.text()
