"""Debian's nginx in front of the web UI, configured by the lines of the documents."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support import documents, requirements
from tests.support.processes import Processes
from tests.support.waiting import STARTING, wait_until

HOST = "birds.example.org"  # the documents' own
SECTION = documents.section_of("docs/install.md", "## Behind a proxy")
UPSTREAM, LISTEN, LOCATION = "http://127.0.0.1:8000", "listen 443 ssl;", "location / {"
CERTIFICATE, KEY = f"/etc/ssl/certs/{HOST}.pem", f"/etc/ssl/private/{HOST}.key"

MAKE_CERTIFICATE = (
    "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 1"
    f" -subj /CN={HOST} -addext subjectAltName=DNS:{HOST},IP:127.0.0.1"
)

AROUND = """\
daemon off;
{user}
pid {directory}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {lines}
}}
"""


def variables(prefix: str) -> Mapping[str, str]:
    """Return what the documents set for the web UI behind a proxy, at the root or under a path."""
    proxy, path = documents.blocks_of(SECTION, "sh")
    found = dict(line.split("=", 1) for line in (proxy + path * bool(prefix)).split())
    assert found.get("BIRDWATCHER_PATH_PREFIX", "") == prefix
    return found | {"BIRDWATCHER_HTTPS": "1"}


def start(
    processes: Processes, directory: Path, port: int, web: str, prefix: str
) -> ssl.SSLContext:
    """Serve HTTPS on a port of 127.0.0.1 as the documents say, for the web UI at the address `web`.

    `prefix`: its path, or empty. Returns the trust in its certificate.
    """
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    openssl = shutil.which("openssl")
    if not nginx or not openssl:
        requirements.left_out("nginx", "not installed: nginx, openssl")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    command = [openssl, *MAKE_CERTIFICATE.split(), "-out", str(certificate), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True, timeout=STARTING)
    (lines,) = documents.blocks_of(SECTION, "nginx")
    for theirs, ours in {
        UPSTREAM: f"http://{web}",
        LISTEN: f"listen 127.0.0.1:{port} ssl;",
        LOCATION: f"location {prefix}/ {{",
        CERTIFICATE: str(certificate),
        KEY: str(key),
    }.items():
        assert lines.count(theirs) == 1, theirs
        lines = lines.replace(theirs, ours)
    # Root's processes could not enter the directory as another user.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = directory / "nginx.conf"
    configuration.write_text(AROUND.format(directory=directory, lines=lines, user=user))
    options = ("-p", str(directory), "-c", str(configuration))
    program = processes.program(nginx, *options, env=os.environ)
    wait_until(
        lambda: program.children() or program.exit_code is not None,
        timeout=STARTING,
        message=program.text,
    )
    assert program.exit_code is None, program.text()
    return ssl.create_default_context(cafile=certificate)
