"""Tests of `digest serve`: links use the served port; a pause and a port in use are reported."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from digest.db import Database
from digest.web.server import bind_socket, get_url
from tests.cli.test_commands import Shell

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
SERVE_COMMAND = (sys.executable, "-m", "digest", "serve", "--no-scheduler", "--port")


@contextmanager
def run_server(folder: Path, **env: str) -> Iterator[tuple[str, list[str]]]:
    """Run the command on a free port; yield the address that it prints and the lines before it."""
    with subprocess.Popen(
        [*SERVE_COMMAND, "0"], cwd=folder, env=ENVIRONMENT | env, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        lines = [process.stderr.readline()]
        while not lines[-1].startswith("Serving"):
            lines.append(process.stderr.readline())
            assert lines[-1], lines
        yield lines[-1].split(" at ")[1].split()[0], lines[:-1]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


def test_links_lead_to_the_port_that_is_served_and_a_pause_is_reported(tmp_path: Path) -> None:
    with closing(Database.open(f"sqlite:///{tmp_path}/digest.sqlite3")) as store, store.begin() as tx:
        tx.meta.pause("A backup was restored; look first, then `digest db resume`.")
    with run_server(tmp_path) as (address, lines):
        assert f"<loc>{address}/</loc>" in httpx.get(f"{address}/sitemap.xml").text
        assert lines == [
            "Nothing is planned or sent: A backup was restored; look first, then `digest db resume`.\n"
        ]


def test_configured_base_url_is_kept(tmp_path: Path) -> None:
    with run_server(tmp_path, DIGEST_BASE_URL="https://papers.example.org") as (address, _):
        assert "<loc>https://papers.example.org/</loc>" in httpx.get(f"{address}/sitemap.xml").text


def test_port_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    with closing(bind_socket("127.0.0.1", 0)) as listener:
        port = get_url(listener).rpartition(":")[2]
        result = Shell(tmp_path, "http://127.0.0.1:9")("serve", "--no-scheduler", "--port", port)
    assert result.returncode == 78
    text = f"Cannot listen on 127.0.0.1:{port}: Address already in use. Choose another host or port."
    assert result.stderr == f"digest: {text}\n"
