"""How much does handing over a mail cost? Our client and pump beside Postfix's smtp-source, in turns.

    python -m bench.smtp [--pairs 7] [--mails 2000] [--size 50000] [--connections 8]

smtp-source is C and sends one fixed body; the ratios of CPU and of mails per second are the facts, the
rates themselves swing with whatever else the machine does.
"""

import argparse
import asyncio
import contextlib
import resource
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.row import Row, compared
from digest.db import Database
from digest.db.sender_session import SenderSession
from digest.delivery.message import OutgoingMessage
from digest.delivery.routes import Route
from digest.delivery.sender import pump
from digest.delivery.smtp.transport import Server, SmtpTransport
from digest.models import Delivery, DeliveryKind, NewDelivery, Preferences, Profile, Schedule, Status

ME, CHILDREN = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many mails took."""

    cpu: float  # microseconds a mail
    rate: float  # mails a second


def cost_of(work: Callable[[], object], mails: int, who: int) -> Cost:
    """Run it, and read the kernel's books."""
    before, begun = resource.getrusage(who), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - begun, resource.getrusage(who)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu * 1e6 / mails, mails / seconds)


def program(name: str) -> str:
    """Where Debian puts it."""
    found = shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
    if not found:
        raise SystemExit(f"{name} is not there: apt-get install postfix")
    return found


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """A server that takes everything and keeps nothing; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen([program("smtp-sink"), "-u", "nobody", f"127.0.0.1:{port}", "1000"])
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


def body_of(size: int) -> bytes:
    """Lines of a mail, without dots at their beginning."""
    return (b"x" * 74 + b"\r\n") * (size // 76)


def source(port: int, args: argparse.Namespace) -> None:
    """Postfix's own client."""
    target = f"127.0.0.1:{port}"
    options = [
        "-d",
        "-s",
        args.connections,
        "-m",
        args.mails,
        "-l",
        args.size,
        "-f",
        "a@x.test",
        "-t",
        "b@x.test",
    ]
    subprocess.run([program("smtp-source"), *map(str, options), target], check=True)


async def client(port: int, args: argparse.Namespace, *, pipelining: bool) -> None:
    """Our lines alone, without a ledger."""
    transport = SmtpTransport(
        Server.parse(f"smtp://127.0.0.1:{port}?tls=none"), local_hostname="x.test", pipelining=pipelining
    )
    raw = b"Subject: bench\r\n\r\n" + body_of(args.size)
    left = iter(range(args.mails))

    def following() -> OutgoingMessage | None:
        number = next(left, None)
        if number is None:
            return None
        return OutgoingMessage(raw=raw, mail_from="a@x.test", rcpt_to=f"r{number}@x.test", dotless=True)

    async def lane() -> None:
        line = await transport.open()
        hand = following()
        while hand:
            behind = following()
            outcome = await line.deliver(hand, ahead=behind)
            if not outcome.is_accepted:
                raise SystemExit(f"not accepted: {outcome}")
            hand = behind
        await line.close()

    await asyncio.gather(*(lane() for _ in range(args.connections)))


def whole(port: int, args: argparse.Namespace, folder: Path) -> Callable[[], None]:
    """Ledger and pump and client: everything but the rendering. What is given back does the sending."""
    store = Database.open(f"sqlite:///{folder}/{time.monotonic_ns()}.sqlite3")
    _fill(store, args.mails)
    body = body_of(args.size)

    def write(delivery: Delivery) -> OutgoingMessage:
        head = f"To: {delivery.address}\r\nMessage-ID: <{delivery.message_id}@x.test>\r\n\r\n".encode()
        return OutgoingMessage(raw=head + body, mail_from="a@x.test", rcpt_to=delivery.address, dotless=True)

    transport = SmtpTransport(Server.parse(f"smtp://127.0.0.1:{port}?tls=none"), local_hostname="x.test")
    route = Route(name="sink", transport=transport, connections=args.connections)

    def send() -> None:
        with SenderSession(store, suppression_key=b"bench") as ledger:
            tally = asyncio.run(pump(ledger, write, [route], clock=lambda: NOW))
        if tally.accepted != args.mails:
            raise SystemExit(f"not all accepted: {tally}")
        store.close()

    return send


def _fill(store: Database, mails: int) -> None:
    with store.begin() as tx:
        for number in range(mails):
            tx.subscribers.add(
                f"r{number}@example.com", profile=Profile(), schedule=Schedule(), preferences=Preferences(),
                status=Status.CONFIRMED, now=NOW,
            )  # fmt: skip
        planned = [
            NewDelivery(
                kind=DeliveryKind.DIGEST,
                key=f"digest/{number}",
                subscriber_id=number,
                address=f"r{number - 1}@example.com",
                slot=NOW,
                not_before=NOW,
                not_after=NOW + timedelta(hours=20),
                day=NOW.date(),
            )
            for number in range(1, mails + 1)
        ]
        tx.deliveries.plan(planned, now=NOW)


def rows(pairs: int = 7) -> Iterator[Row]:
    """Our client beside smtp-source; with the ledger it also writes down two steps of every mail."""
    costs = measured(argparse.Namespace(pairs=pairs, mails=2000, size=50_000, connections=8))
    theirs = [cost.cpu for cost in costs["smtp-source"]]
    ours = [cost.cpu for cost in costs["pipelined"]]
    yield compared(
        "SMTP client", ours, theirs, unit="us CPU/mail", against="smtp-source", goal=1, at_most=True
    )


def main() -> None:
    """Measure in turns, print the medians of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--size", type=int, default=50_000)
    parser.add_argument("--connections", type=int, default=8)
    args = parser.parse_args()
    _tell(measured(args))


def measured(args: argparse.Namespace) -> dict[str, list[Cost]]:
    """What each of the four ways cost, in turns."""
    costs: dict[str, list[Cost]] = {}
    with sink() as port, tempfile.TemporaryDirectory() as folder:
        for _ in range(args.pairs):
            send = whole(port, args, Path(folder))
            runs: list[tuple[str, Callable[[], object], int]] = [
                ("smtp-source", lambda: source(port, args), CHILDREN),
                ("pipelined", lambda: asyncio.run(client(port, args, pipelining=True)), ME),
                ("lock-step", lambda: asyncio.run(client(port, args, pipelining=False)), ME),
                ("with ledger", send, ME),
            ]
            for name, work, who in runs:
                costs.setdefault(name, []).append(cost_of(work, args.mails, who))
    return costs


def _tell(costs: dict[str, list[Cost]]) -> None:
    print(f"{'':12} {'us CPU/mail':>12} {'mails/s':>9} {'CPU ratio':>10} {'rate ratio':>11}")
    for name, own in costs.items():
        pairs = list(zip(own, costs["smtp-source"], strict=True))
        cpu, rate = (statistics.median(getattr(cost, column) for cost in own) for column in ("cpu", "rate"))
        less = statistics.median(ours.cpu / theirs.cpu for ours, theirs in pairs)
        faster = statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)
        print(f"{name:12} {cpu:12.0f} {rate:9.0f} {less:10.2f} {faster:11.2f}")


if __name__ == "__main__":
    main()
