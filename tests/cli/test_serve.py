"""`digest serve`: links follow the port that is served, and a taken port is said in a sentence."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from digest.db import Database
from digest.web.server import address_of, listening

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
SERVE = (sys.executable, "-m", "digest", "serve", "--no-scheduler", "--port")


@contextmanager
def serving(folder: Path, **env: str) -> Iterator[str]:
    """The command at work on a free port; the address it says."""
    with subprocess.Popen(
        [*SERVE, "0"], cwd=folder, env=CLEAN | env, stderr=subprocess.PIPE, text=True
    ) as command:
        assert command.stderr
        said = next(line for line in command.stderr if line.startswith("Serving"))
        yield said.split(" at ")[1].split()[0]
        command.send_signal(signal.SIGINT)
        assert command.wait(timeout=30) == 0


def test_links_lead_to_the_port_that_is_served(tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        assert f"<loc>{address}/</loc>" in httpx.get(f"{address}/sitemap.xml").text


def test_a_base_url_that_is_set_stays(tmp_path: Path) -> None:
    with serving(tmp_path, DIGEST_BASE_URL="https://papers.example.org") as address:
        assert "<loc>https://papers.example.org/</loc>" in httpx.get(f"{address}/sitemap.xml").text


def test_pages_over_a_paused_database_say_so_at_their_start(tmp_path: Path) -> None:
    with closing(Database.open(f"sqlite:///{tmp_path}/digest.sqlite3")) as store, store.begin() as tx:
        tx.meta.pause("A backup was restored; look first, then `digest db resume`.")
    with subprocess.Popen(
        [*SERVE, "0"], cwd=tmp_path, env=CLEAN, stderr=subprocess.PIPE, text=True
    ) as command:
        assert command.stderr
        assert command.stderr.readline() == (
            "Nothing is planned or sent: A backup was restored; look first, then `digest db resume`.\n"
        )
        command.send_signal(signal.SIGINT)


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with closing(listening("127.0.0.1", 0)) as taken:
        port = address_of(taken).rpartition(":")[2]
        run = subprocess.run(
            [*SERVE, port], cwd=tmp_path, env=CLEAN, capture_output=True, text=True, check=False
        )
    assert run.returncode == 78
    assert f"Cannot listen on 127.0.0.1:{port}" in run.stderr
    assert len(run.stderr.splitlines()) == 1
