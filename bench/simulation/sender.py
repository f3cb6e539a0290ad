"""Sender process that the mail server kills: runs one whole tick."""

import json
import sys
from datetime import datetime
from pathlib import Path

import anyio

from bench.simulation.services import open_simulated_services
from digest.pipeline import run


def main() -> None:
    """Run one tick as described by the JSON argument."""
    orders = json.loads(sys.argv[1])
    now = datetime.fromisoformat(orders["now"])
    services = open_simulated_services(
        Path(orders["database"]), upstream=orders["upstream"], mailbox=orders["mailbox"]
    )
    anyio.run(run.run, services, lambda: now)
    services.close()


if __name__ == "__main__":
    main()
