"""A day in the life of the service: started, reloaded, restarted, stopped, under load."""

from collections.abc import Callable

import pytest

from tests.systemd.field import Field
from tests.systemd.service import DAEMON, Service

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]


def test_restart_under_load(service: Service, field: Callable[[Service], Field]) -> None:
    nodes = field(service)
    service.start()
    nodes.wait_until_connected()
    nodes.wait_for_traffic()
    service.systemctl("restart", DAEMON)
    nodes.wait_until_connected()
    nodes.wait_for_traffic()
    nodes.balance()
