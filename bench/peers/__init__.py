"""How fast are others at the same mails? Each sends as many bytes to the same sink, in turns with us.

    python -m bench peers

Ours reads, ranks, renders, keeps the ledger and sends; the others are given finished words and only write
and send. They are installed into build/peers, by npm and pip; what cannot be had is named and left out.
CPU of the sending process counts, its start does not.
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

from bench.row import Row, compared
from bench.whole import parts, run

HERE, SCRATCH = Path(__file__).parent, Path(__file__).parents[2] / "build" / "peers"
ROUNDS, OURS, THEIRS, CONNECTIONS = 3, 2000, 300, 16
GOAL = 8
TEXT_PART = 0.2  # of the bytes of a mail
SENTENCE = "we study the sleep of sheep under sparse attention and show that counting converges READER "


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody else's sender, and how it is started."""

    name: str
    command: Sequence[str]

    def sent(self, port: int, body: Path) -> float:
        """Mails a CPU second."""
        given = [str(port), str(THEIRS), str(CONNECTIONS), str(body)]
        told = subprocess.run(
            [*self.command, *given], capture_output=True, text=True, check=True, cwd=SCRATCH
        )
        return 1e6 / float(json.loads(told.stdout.strip().splitlines()[-1])["cpu"])


def peers() -> Iterator[Peer]:
    """Those that can be had here."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    yield Peer("EmailMessage and aiosmtplib", [sys.executable, str(HERE / "plain.py")])
    if _npm("nodemailer"):
        yield Peer("nodemailer", ["node", str(HERE / "nodemailer.cjs")])
    for package, script in (("django-post-office", "django_post_office.py"), ("mailman", "mailman3.py")):
        if python := _python(package):
            yield Peer(package, [python, str(HERE / script)])


def _npm(package: str) -> bool:
    if not shutil.which("npm") or not shutil.which("node"):
        print(f"{package}: left out; it needs node and npm: apt-get install nodejs npm", file=sys.stderr)
        return False
    if not (SCRATCH / "node_modules" / package).exists():
        return _installed(package, ["npm", "install", "--silent", "--no-audit", "--no-fund", package])
    return True


def _python(package: str) -> str:
    """The Python of a virtual environment with that package; empty when it cannot be had."""
    folder = SCRATCH / package
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True)
        if not _installed(package, [str(python), "-m", "pip", "install", "--quiet", package]):
            return ""
        (folder / "ready").touch()
    return str(python)


def _installed(package: str, command: Sequence[str]) -> bool:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SCRATCH)
    if done.returncode:
        print(f"{package}: left out; `{' '.join(command[-3:])}` failed", file=sys.stderr)
    return not done.returncode


def body_of(octets: float) -> Path:
    """Words of that many bytes, as text and HTML, in a file the peers read."""
    lines = [SENTENCE * 4 for _ in range(round(octets * (1 - TEXT_PART) / len(SENTENCE * 4 + "<p></p>\n")))]
    html = "<html><body>" + "".join(f"<p>{line}</p>\n" for line in lines) + "</body></html>"
    text = (SENTENCE + "\n") * round(octets * TEXT_PART / len(SENTENCE + "\n"))
    path = SCRATCH / "body.json"
    path.write_text(json.dumps({"text": text, "html": html}), encoding="utf-8")
    return path


def rows() -> Iterator[Row]:
    """Mails a CPU second, ours beside each of theirs."""
    args = argparse.Namespace(mails=OURS, connections=CONNECTIONS, vectors="none")
    others = list(peers())
    theirs: dict[str, list[float]] = {peer.name: [] for peer in others}
    whole: list[float] = []
    sending: list[float] = []
    with parts(args) as (_, port, database):
        for _ in range(ROUNDS):
            told = run(database, port, args)
            whole.append(1e6 / told["cpu"])
            sending.append(1e6 / (told["cpu"] - told["plan"]))
            body = body_of(told["octets"])
            for peer in others:
                theirs[peer.name].append(peer.sent(port, body))
    for name, rates in theirs.items():
        for what, ours in (("whole run, ranking and all", whole), ("written, kept and sent", sending)):
            yield compared(what, ours, rates, unit="mails/CPU s", against=name, goal=GOAL)
