"""`digest subscribers`: see and change who reads."""

from importlib import import_module

import click

ACTIONS = {
    "list": "Who reads, with filters.",
    "show": "Everything about one subscriber.",
    "add": "Add a subscriber; they get a mail to confirm.",
    "set": "Change interests, schedule or preferences.",
    "pause": "Send nothing for now, or until a day.",
    "resume": "Send again.",
    "remove": "Erase a subscriber and every trace of the address.",
    "import": "Take in a CSV or JSON lines file.",
    "export": "Write all subscribers as CSV or JSON lines.",
    "suppress": "Never write to this address again.",
    "unsuppress": "Allow writing to this address again.",
    "reconfirm": "Ask the unconfirmed once more.",
}
# Commands that are not `command` in a module of their own name; `list_`, because a submodule `list` would hide the
# built-in `list` in this package.
COMMANDS = {
    "list": ("list_", "command"),
    "set": ("set_", "command"),
    "import": ("import_", "command"),
    "pause": ("lifecycle", "pause"),
    "resume": ("lifecycle", "resume"),
    "remove": ("lifecycle", "remove"),
    "reconfirm": ("lifecycle", "reconfirm"),
    "suppress": ("suppressions", "suppress"),
    "unsuppress": ("suppressions", "unsuppress"),
}


class Actions(click.Group):
    """The actions, each in a module of its own, imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click passes it
        """Every action."""
        return list(ACTIONS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The action of that name, or None."""
        if cmd_name not in ACTIONS:
            return None
        module, name = COMMANDS.get(cmd_name, (cmd_name, "command"))
        command: click.Command = getattr(import_module(f"digest.cli.subscribers.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list for --help, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(ACTIONS.items()))


@click.group(
    "subscribers", cls=Actions,
    epilog="Example: digest subscribers add ada@example.com --keywords 'optics, robotics'",
)  # fmt: skip
def command() -> None:
    """See and change who reads. Every change is written to the audit log."""
