"""Other senders at the same mails: each sends as many bytes to the same sink, in alternation with ours.

    python -m bench peers

Ours reads, ranks, renders, writes its delivery queue and sends; the others are given finished text and only
build and send.
They are installed into build/peers, by npm and pip; what cannot be installed is named and left out. Only
CPU of the sending process counts, without its start.
"""

import argparse
import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.results import BenchResult, build_ratio_result
from bench.whole import prepare_run, run

HERE, SCRATCH = Path(__file__).parent, Path(__file__).parents[2] / "build" / "peers"
ROUNDS, OUR_MAILS, PEER_MAILS, CONNECTIONS = 3, 4000, 300, 16
GOAL, MAILMAN_GOAL = 2, 10
TEXT_SHARE = 0.2  # of the bytes of a mail
SENTENCE = "we study the sleep of sheep under sparse attention and show that counting converges READER "


@dataclass(frozen=True, slots=True)
class Peer:
    """Another sender, and the command that starts it."""

    name: str
    command: Sequence[str]

    def measure_rate(self, port: int, body: Path) -> float:
        """Return mails a CPU second."""
        arguments = [str(port), str(PEER_MAILS), str(CONNECTIONS), str(body)]
        process = subprocess.run(
            [*self.command, *arguments], capture_output=True, text=True, check=True, cwd=SCRATCH
        )
        return 1e6 / float(json.loads(process.stdout.strip().splitlines()[-1])["cpu"])


def list_peers() -> Iterator[Peer]:
    """Yield the senders that can be installed here."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    yield Peer("EmailMessage and aiosmtplib", [sys.executable, str(HERE / "plain.py")])
    if _has_npm_package("nodemailer"):
        yield Peer("nodemailer", ["node", str(HERE / "nodemailer.cjs")])
    for package, script in (("django-post-office", "django_post_office.py"), ("mailman", "mailman3.py")):
        if python := _install_python_package(package):
            yield Peer(package, [python, str(HERE / script)])


def _has_npm_package(package: str) -> bool:
    if not shutil.which("npm") or not shutil.which("node"):
        print(f"{package}: left out; it needs node and npm: apt-get install nodejs npm", file=sys.stderr)
        return False
    if not (SCRATCH / "node_modules" / package).exists():
        return _run_install(package, ["npm", "install", "--silent", "--no-audit", "--no-fund", package])
    return True


def _install_python_package(package: str) -> str:
    """Return the Python of a virtual environment with that package; empty if it cannot be installed."""
    folder = SCRATCH / package
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True)
        if not _run_install(package, [str(python), "-m", "pip", "install", "--quiet", package]):
            return ""
        (folder / "ready").touch()
    return str(python)


def _run_install(package: str, command: Sequence[str]) -> bool:
    process = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SCRATCH)
    if process.returncode:
        print(f"{package}: left out; `{' '.join(command[-3:])}` failed", file=sys.stderr)
    return not process.returncode


def write_body(size: float) -> Path:
    """Write text and HTML of that many bytes to a file the peers read."""
    paragraphs = [
        SENTENCE * 4 for _ in range(round(size * (1 - TEXT_SHARE) / len(SENTENCE * 4 + "<p></p>\n")))
    ]
    html = "<html><body>" + "".join(f"<p>{line}</p>\n" for line in paragraphs) + "</body></html>"
    text = (SENTENCE + "\n") * round(size * TEXT_SHARE / len(SENTENCE + "\n"))
    path = SCRATCH / "body.json"
    path.write_text(json.dumps({"text": text, "html": html}), encoding="utf-8")
    return path


def run_bench() -> Iterator[BenchResult]:
    """Compare mails a CPU second, ours beside each of theirs."""
    args = argparse.Namespace(mails=OUR_MAILS, connections=CONNECTIONS, vectors="none", history=0)
    peers = list(list_peers())
    theirs: dict[str, list[float]] = {peer.name: [] for peer in peers}
    whole: list[float] = []
    sending: list[float] = []
    with prepare_run(args) as (_, port, database):
        for _ in range(ROUNDS):
            figures = run(database, port, args)
            whole.append(1e6 / figures["cpu"])
            sending.append(1e6 / (figures["cpu"] - figures["plan"]))
            body = write_body(figures["octets"])
            for peer in peers:
                theirs[peer.name].append(peer.measure_rate(port, body))
    for name, rates in theirs.items():
        for label, ours in (("whole run with ranking", whole), ("rendering, queue and sending", sending)):
            goal = MAILMAN_GOAL if name == "mailman" else GOAL
            yield build_ratio_result(label, ours, rates, unit="mails/CPU s", against=name, goal=goal)
