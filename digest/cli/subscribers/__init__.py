"""`digest subscribers`: list, add, change, import, export and remove subscribers."""

import click

from digest.cli import LazyGroup

ACTIONS = {
    "list": "List subscribers, with filters.",
    "show": "Show one subscriber.",
    "add": "Add a subscriber; they are asked by email to confirm.",
    "set": "Change interests, schedule or preferences.",
    "pause": "Stop sending, until a date or until resumed.",
    "resume": "Start sending again.",
    "remove": "Erase a subscriber and all their data.",
    "import": "Import subscribers from CSV or JSON lines.",
    "export": "Export all subscribers as CSV or JSON lines.",
    "suppress": "Block an address from receiving email.",
    "unsuppress": "Unblock an address.",
    "restore": "Undo suppressions caused by bounces.",
    "channels": "List, add and remove other channels, such as Slack.",
    "reconfirm": "Send the confirmation email again.",
}
MODULES = {  # of the actions that share one
    "show": ("list", "show"),
    "settings": ("add", "set"),
    "transfer": ("import", "export"),
    "lifecycle": ("restore", "pause", "resume", "remove", "reconfirm", "suppress", "unsuppress"),
}


@click.group(
    "subscribers", cls=LazyGroup, package="digest.cli.subscribers", lines=ACTIONS, modules=MODULES,
    epilog="Example: digest subscribers add ada@example.com --keywords 'optics, robotics'",
)  # fmt: skip
def command() -> None:
    """List, add, change and remove subscribers. Every change is recorded in the audit log."""
