"""The sender process that is killed: the real queue, sender and SMTP client, with short messages.

Senders are forked from one process that has imported everything, so that hundreds take minutes: it starts
a sender for each line on its standard input, and reports on standard output when one starts or ends.
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
from digest.delivery.sender import send_queue
from digest.delivery.smtp.transport import SmtpServerConfig, SmtpTransport
from digest.models import Delivery
from digest.models.errors import LeaseLost, StoreBusy

LEASE_LOST, BUSY = 4, 75


def render(delivery: Delivery) -> OutgoingMessage:
    """Return a short message with the delivery's own Message-ID."""
    head = f"From: a@papers.test\r\nTo: {delivery.address}\r\nMessage-ID: <{delivery.public_id}@papers.test>"
    return OutgoingMessage(
        raw=f"{head}\r\n\r\nHi.\r\n".encode(),
        mail_from="a@papers.test",
        rcpt_to=delivery.address,
    )


def send_until_empty(options: dict[str, str]) -> None:
    """Open the database and send everything."""
    store = Database.open(options["url"])
    transport = SmtpTransport(SmtpServerConfig.parse(options["smtp"]), local_hostname="papers.test")
    route = Route(name="relay", transport=transport, connections=int(options["connections"]))
    lease = timedelta(seconds=float(options["lease"]))
    while True:
        try:
            with SenderSession(store, suppression_key=b"a test key", lease=lease) as session:
                asyncio.run(send_queue(session, render, [route], clock=lambda: datetime.now(UTC)))
        except StoreBusy:
            if store.file is not None:
                raise  # another sender holds the lock
            time.sleep(0.05)  # as `digest worker` does: whoever holds the lock will release it
        with store.begin(write=False) as tx:
            if not any(tx.deliveries.count_open().values()):
                return
        time.sleep(0.05)  # another worker holds the rest, or its lease has still to run out


def run_sender(options: dict[str, str]) -> int:
    """Run one sender; return its exit code."""
    try:
        send_until_empty(options)
    except LeaseLost:
        return LEASE_LOST
    except StoreBusy:
        return BUSY
    return 0


def main() -> None:
    """Start senders on request, and report their ends."""

    def reap_children(*_: object) -> None:
        while True:
            try:
                process_id, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not process_id:
                return
            os.write(1, f"ended {process_id} {os.waitstatus_to_exitcode(status)}\n".encode())

    signal.signal(signal.SIGCHLD, reap_children)
    for line in sys.stdin:
        options = json.loads(line)
        process_id = os.fork()
        if not process_id:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os._exit(run_sender(options))
        os.write(1, f"started {process_id}\n".encode())


if __name__ == "__main__":
    main()
