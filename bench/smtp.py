"""Cost of sending a mail over SMTP: our client and send loop beside Postfix's smtp-source, in alternation.

    python -m bench.smtp [--pairs 7] [--mails 2000] [--size 50000] [--connections 8]

smtp-source is C and sends one fixed body. Compare the ratios of CPU and of mails per second; the rates
themselves vary with other load on the machine.
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

from bench.results import BenchResult, build_ratio_result
from digest.db import Database
from digest.db.sender_session import SenderSession
from digest.delivery.message import OutgoingMessage
from digest.delivery.routes import Route
from digest.delivery.sender import send_queue
from digest.delivery.smtp.transport import SmtpServerConfig, SmtpTransport
from digest.models import Delivery, DeliveryKind, NewDelivery, Status
from tests.factories import store_subscriber

SELF, CHILDREN = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of sending mails."""

    cpu: float  # microseconds a mail
    rate: float  # mails a second


def measure_cost(work: Callable[[], object], mails: int, rusage_of: int) -> Cost:
    """Run *work* and return its cost by the resource usage of the kernel."""
    before, started = resource.getrusage(rusage_of), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - started, resource.getrusage(rusage_of)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu * 1e6 / mails, mails / seconds)


def find_program(name: str) -> str:
    """Return the path of a program of Postfix, also where Debian installs it."""
    path = shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
    if not path:
        raise SystemExit(f"{name} is not installed. Run apt-get install postfix.")
    return path


@contextlib.contextmanager
def run_sink() -> Iterator[int]:
    """Run a server that accepts and discards every mail; yield its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([find_program("smtp-sink"), "-u", "nobody", f"127.0.0.1:{port}", "1000"])
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


def build_body(size: int) -> bytes:
    """Return lines of a body, without dots at their beginning."""
    return (b"x" * 74 + b"\r\n") * (size // 76)


def run_smtp_source(port: int, args: argparse.Namespace) -> None:
    """Send by Postfix's own client."""
    target = f"127.0.0.1:{port}"
    options = [
        "-d", "-s", args.connections, "-m", args.mails, "-l", args.size, "-f", "a@x.test", "-t", "b@x.test",
    ]  # fmt: skip
    subprocess.run([find_program("smtp-source"), *map(str, options), target], check=True)


async def run_client(port: int, args: argparse.Namespace, *, pipelining: bool) -> None:
    """Send by our SMTP client alone, without a delivery queue."""
    transport = SmtpTransport(
        SmtpServerConfig.parse(f"smtp://127.0.0.1:{port}?tls=none"),
        local_hostname="x.test",
        pipelining=pipelining,
    )
    raw = b"Subject: bench\r\n\r\n" + build_body(args.size)
    numbers = iter(range(args.mails))

    def build_next() -> OutgoingMessage | None:
        number = next(numbers, None)
        if number is None:
            return None
        return OutgoingMessage(raw=raw, mail_from="a@x.test", rcpt_to=f"r{number}@x.test", dotless=True)

    async def run_connection() -> None:
        connection = await transport.open()
        message = build_next()
        while message:
            next_message = build_next()
            result = await connection.deliver(message, next_message=next_message)
            if not result.is_accepted:
                raise SystemExit(f"not accepted: {result}")
            message = next_message
        await connection.close()

    await asyncio.gather(*(run_connection() for _ in range(args.connections)))


def prepare_queue_run(port: int, args: argparse.Namespace, folder: Path) -> Callable[[], None]:
    """Return a function that sends through delivery queue, send loop and client: all but rendering."""
    store = Database.open(f"sqlite:///{folder}/{time.monotonic_ns()}.sqlite3")
    _fill_queue(store, args.mails)
    body = build_body(args.size)

    def build(delivery: Delivery) -> OutgoingMessage:
        head = f"To: {delivery.address}\r\nMessage-ID: <{delivery.public_id}@x.test>\r\n\r\n".encode()
        return OutgoingMessage(raw=head + body, mail_from="a@x.test", rcpt_to=delivery.address, dotless=True)

    transport = SmtpTransport(
        SmtpServerConfig.parse(f"smtp://127.0.0.1:{port}?tls=none"), local_hostname="x.test"
    )
    route = Route(name="sink", transport=transport, connections=args.connections)

    def send() -> None:
        with SenderSession(store, suppression_key=b"bench") as queue:
            stats = asyncio.run(send_queue(queue, build, [route], clock=lambda: NOW))
        if stats.accepted != args.mails:
            raise SystemExit(f"not all accepted: {stats}")
        store.close()

    return send


def _fill_queue(store: Database, mails: int) -> None:
    with store.begin() as tx:
        for number in range(mails):
            store_subscriber(tx, f"r{number}@example.com", status=Status.CONFIRMED, now=NOW)
        deliveries = [
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
        tx.deliveries.enqueue(deliveries, now=NOW)


def run_bench(pairs: int = 7) -> Iterator[BenchResult]:
    """Compare our client with smtp-source."""
    costs = measure_costs(argparse.Namespace(pairs=pairs, mails=2000, size=50_000, connections=8))
    theirs = [cost.cpu for cost in costs["smtp-source"]]
    ours = [cost.cpu for cost in costs["pipelined"]]
    yield build_ratio_result(
        "SMTP client", ours, theirs, unit="us CPU/mail", against="smtp-source", goal=1, at_most=True
    )


def main() -> None:
    """Measure in alternation, print the medians of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--size", type=int, default=50_000)
    parser.add_argument("--connections", type=int, default=8)
    args = parser.parse_args()
    _print_ratios(measure_costs(args))


def measure_costs(args: argparse.Namespace) -> dict[str, list[Cost]]:
    """Return the costs of each of the four ways, measured in alternation."""
    costs: dict[str, list[Cost]] = {}
    with run_sink() as port, tempfile.TemporaryDirectory() as folder:
        for _ in range(args.pairs):
            send = prepare_queue_run(port, args, Path(folder))
            runs: list[tuple[str, Callable[[], object], int]] = [
                ("smtp-source", lambda: run_smtp_source(port, args), CHILDREN),
                ("pipelined", lambda: asyncio.run(run_client(port, args, pipelining=True)), SELF),
                ("lock-step", lambda: asyncio.run(run_client(port, args, pipelining=False)), SELF),
                ("with queue", send, SELF),
            ]
            for name, work, rusage_of in runs:
                costs.setdefault(name, []).append(measure_cost(work, args.mails, rusage_of))
    return costs


def _print_ratios(costs: dict[str, list[Cost]]) -> None:
    print(f"{'':12} {'us CPU/mail':>12} {'mails/s':>9} {'CPU ratio':>10} {'rate ratio':>11}")
    for name, own in costs.items():
        pairs = list(zip(own, costs["smtp-source"], strict=True))
        cpu, rate = (statistics.median(getattr(cost, column) for cost in own) for column in ("cpu", "rate"))
        cpu_ratio = statistics.median(ours.cpu / theirs.cpu for ours, theirs in pairs)
        rate_ratio = statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)
        print(f"{name:12} {cpu:12.0f} {rate:9.0f} {cpu_ratio:10.2f} {rate_ratio:11.2f}")


if __name__ == "__main__":
    main()
