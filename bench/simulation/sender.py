"""Sender process that the mail server kills: runs one whole tick."""

import json
import sys
import time
from datetime import datetime, timedelta

import anyio

from bench.simulation.services import open_simulated_services
from digest.app import run


def main() -> None:
    """Run one tick as described by the JSON argument."""
    orders = json.loads(sys.argv[1])
    now, started = datetime.fromisoformat(orders["now"]), time.monotonic()
    services = open_simulated_services(
        orders["database"],
        upstream=orders["upstream"],
        mailbox=orders["mailbox"],
        clock=lambda: now + timedelta(seconds=time.monotonic() - started),
    )
    anyio.run(run.run, services, lambda: now)
    services.close()


if __name__ == "__main__":
    main()
