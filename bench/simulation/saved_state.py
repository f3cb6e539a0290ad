"""State of a simulation that another version of the program continues: all but the database."""

import pickle
from pathlib import Path

from bench.simulation.context import SimulationContext

FILE = "state.pickle"
FIELDS = ("record", "public_ids", "slots", "taken_mails", "scored_on", "now")


def save_state(context: SimulationContext, folder: Path) -> None:
    """Save the state beside the database, so that another version of the program can go on."""
    state = {name: getattr(context, name) for name in FIELDS}
    inboxes = {"received": context.inboxes.received, "refused": context.inboxes.refused}
    (folder / FILE).write_bytes(pickle.dumps((state, inboxes)))


def load_state(context: SimulationContext, folder: Path) -> bool:
    """Load a saved state; return False if there is none."""
    file = folder / FILE
    if not file.exists():
        return False
    state, inboxes = pickle.loads(file.read_bytes())  # noqa: S301  written by this program a moment ago
    for owner, values in ((context, state), (context.inboxes, inboxes)):
        for name, value in values.items():
            setattr(owner, name, value)
    context.set_clock(context.now)
    return True
