"""The process that is killed: the real ledger, pump and client; the letters are short.

It is forked from one that has imported everything, so that hundreds of lives take minutes: it
answers each line on its standard input with a new life, and tells when one has ended.
"""

import asyncio
import json
import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta

from digest.db import Database
from digest.db.sender_session import SenderSession
from digest.delivery.message import OutgoingMessage
from digest.delivery.routes import Route
from digest.delivery.sender import pump
from digest.delivery.smtp.transport import Server, SmtpTransport
from digest.models import Delivery
from digest.models.errors import LeaseLost, StoreBusy

LEASE_LOST, BUSY = 4, 75


def write(delivery: Delivery) -> OutgoingMessage:
    """A short letter with the delivery's own Message-ID."""
    head = f"From: a@papers.test\r\nTo: {delivery.address}\r\nMessage-ID: <{delivery.message_id}@papers.test>"
    return OutgoingMessage(
        raw=f"{head}\r\n\r\nHi.\r\n".encode(),
        mail_from="a@papers.test",
        rcpt_to=delivery.address,
    )


def send_until_empty(order: dict[str, str]) -> None:
    """Open the store, send everything, and come home."""
    store = Database.open(order["url"])
    transport = SmtpTransport(Server.parse(order["smtp"]), local_hostname="papers.test")
    route = Route(name="relay", transport=transport, connections=int(order["connections"]))
    lease = timedelta(seconds=float(order["lease"]))
    while True:
        try:
            with SenderSession(store, suppression_key=b"a pinch", lease=lease) as ledger:
                asyncio.run(pump(ledger, write, [route], clock=lambda: datetime.now(UTC)))
        except StoreBusy:
            if store.file is not None:
                raise  # another sender holds the lock
            time.sleep(0.05)  # as `digest worker` does: whoever holds what we wanted will let go
        with store.begin(write=False) as tx:
            if not any(tx.deliveries.waiting().values()):
                return
        time.sleep(0.05)  # another worker holds the rest, or its lease has still to run out


def live(order: dict[str, str]) -> int:
    """One life; how it ended, if it was not ended."""
    try:
        send_until_empty(order)
    except LeaseLost:
        return LEASE_LOST
    except StoreBusy:
        return BUSY
    return 0


def main() -> None:
    """Give birth on request, and report deaths."""

    def bury(*_: object) -> None:
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not process:
                return
            os.write(1, f"ended {process} {os.waitstatus_to_exitcode(status)}\n".encode())

    signal.signal(signal.SIGCHLD, bury)
    for line in sys.stdin:
        order = json.loads(line)
        process = os.fork()
        if not process:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os._exit(live(order))
        os.write(1, f"begun {process}\n".encode())


if __name__ == "__main__":
    main()
