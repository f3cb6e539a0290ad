"""`digest subscribers`: list, add, change, import, export and remove subscribers."""

from importlib import import_module

import click

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
# action: module and function, where that is not `command` in a module of the same name. `list_` ends in an
# underscore because a submodule `list` would hide the built-in `list` in this package.
FUNCTIONS = {
    "list": ("list_", "command"),
    "set": ("set_", "command"),
    "import": ("import_", "command"),
    "pause": ("lifecycle", "pause"),
    "resume": ("lifecycle", "resume"),
    "remove": ("lifecycle", "remove"),
    "reconfirm": ("lifecycle", "reconfirm"),
    "suppress": ("lifecycle", "suppress"),
    "unsuppress": ("lifecycle", "unsuppress"),
}


class LazyActions(click.Group):
    """A group of actions whose modules are imported only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click passes it
        """List the names of all actions."""
        return list(ACTIONS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return the action *cmd_name*, or None if there is no such action."""
        if cmd_name not in ACTIONS:
            return None
        module, name = FUNCTIONS.get(cmd_name, (cmd_name, "command"))
        command: click.Command = getattr(import_module(f"digest.cli.subscribers.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of actions for --help without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(ACTIONS.items()))


@click.group(
    "subscribers", cls=LazyActions,
    epilog="Example: digest subscribers add ada@example.com --keywords 'optics, robotics'",
)  # fmt: skip
def command() -> None:
    """List, add, change and remove subscribers. Every change is recorded in the audit log."""
