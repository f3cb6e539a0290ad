"""Who dies? A process of its own that does one whole tick; the mail server kills it in the middle."""

import json
import sys
from datetime import datetime
from pathlib import Path

import anyio
from bench.simulation.services import open_hurried

from digest.pipeline import run


def main() -> None:
    """One tick as told by the only argument."""
    told = json.loads(sys.argv[1])
    now = datetime.fromisoformat(told["now"])
    services = open_hurried(Path(told["database"]), upstream=told["upstream"], mailbox=told["mailbox"])
    anyio.run(run.run, services, lambda: now)
    services.close()


if __name__ == "__main__":
    main()
