"""The command line. Every command is a module of its own, imported only when it is called."""

import gc
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from digest import __version__
from digest.models.errors import (
    ConfigError,
    DigestError,
    InvalidAddress,
    InvalidChange,
    StateConflict,
    StoreBusy,
)
from digest.models.text import replace_unprintable

# name: one line for the list, so that --help needs no command's imports
COMMANDS = {
    "demo": "Run ten simulated days offline, with sample papers.",
    "preview": "Show exactly the email that would be sent, without sending it.",
    "fetch": "Fetch all sources now.",
    "sources": "List the sources and their last reading; turn one on or off.",
    "embed": "Compute missing embeddings, e.g. after changing DIGEST_VECTORS.",
    "run": "Run once: fetch if due, plan and send what is due, exit.",
    "send": "Plan and send what is due, without fetching.",
    "serve": "Serve the web pages and run the scheduler.",
    "worker": "Run a worker; any number can share one PostgreSQL database.",
    "mcp": "Serve one reader's digest to an AI assistant (MCP).",
    "subscribers": "List, add, change and remove subscribers.",
    "papers": "Search the stored papers.",
    "export": "Export papers as BibTeX, RIS, CSL-JSON or Markdown.",
    "trending": "Show the trending list with its numbers and reasons.",
    "rank": "Rank papers from JSON lines, without a database.",
    "explain": "Explain why a paper was or was not sent to a subscriber.",
    "evaluate": "Replay past days and measure the picks.",
    "fit": "Fit the trending model to your own vote history.",
    "status": "Show recent activity and what needs attention.",
    "doctor": "Check the installation; each problem comes with a fix.",
    "release": "Release a held edition.",
    "deliveries": "List emails by state; resolve uncertain ones.",
    "bounces": "Read the bounce mailbox.",
    "db": "Migrate, check, back up and restore the database.",
}
PACKAGE = Path(__file__).parents[1]
EXIT_FAILED, EXIT_USAGE, EXIT_BUSY, EXIT_CONFIG, EXIT_INTERRUPTED = 1, 2, 75, 78, 130


class LazyGroup(click.Group):
    """A group whose commands are in modules of a package, imported when they are called.

    Args:
        package: The package of the modules.
        lines: By the name of each command its line in the help, which needs no command's imports.
        modules: The commands that share a module, by its name; the others are in one of their own name.

    """

    def __init__(
        self,
        *args: Any,
        package: str,
        lines: Mapping[str, str],
        modules: Mapping[str, Sequence[str]] = MappingProxyType({}),
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._package, self._lines = package, lines
        self._modules = {name: module for module, names in modules.items() for name in names}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click passes it
        """List the names of all commands in the order of the help."""
        return list(self._lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  same
        """Import and return the command *cmd_name*, or None if there is no such command."""
        if cmd_name not in self._lines:
            return None
        gc.disable()  # it would search what is imported, and stays, in a sixth of the time to start
        module = import_module(f"{self._package}.{self._modules.get(cmd_name, cmd_name)}")
        gc.enable()
        commands = (value for value in vars(module).values() if isinstance(value, click.Command))
        return next(command for command in commands if command.name == cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands for --help without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._lines.items()))


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  click passes it
    if value:
        click.echo(f"digest, version {_describe_version()}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    package="digest.cli",
    lines=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nStart with: digest demo\nthen:       digest preview --interests 'diffusion models, robotics'",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False,
    callback=_show_version, help="Show the version and exit.",
)  # fmt: skip
def digest() -> None:
    """Trending papers in your email inbox once a day, picked for you."""


def main() -> None:
    """Run a command; every failure ends in one line on standard error and the exit code of its kind."""
    _reopen_closed_streams()
    try:
        code = digest.main(standalone_mode=False) or 0
        sys.stdout.flush()  # here, while a full disk or a closed pipe can still be reported
        sys.exit(code)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE if isinstance(error, click.UsageError) else error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _print_error("stopped.")
        sys.exit(EXIT_INTERRUPTED)
    except DigestError as error:
        _print_error(" ".join(filter(None, (str(error), error.command))))
        sys.exit(get_exit_code(error))
    except BrokenPipeError:
        _discard_output()  # the reader of our output is gone: there is nobody to report to
        sys.exit(EXIT_FAILED)
    except OSError as error:
        reason = error.strerror or str(error)
        _print_error(f"{reason}: {error.filename}" if error.filename else reason)
        _discard_output()
        sys.exit(EXIT_FAILED)


def get_exit_code(error: DigestError) -> int:
    """Return the exit code that tells a calling program what kind of failure *error* is."""
    if isinstance(error, StoreBusy):
        return EXIT_BUSY
    if isinstance(error, InvalidAddress | InvalidChange) and not isinstance(error, StateConflict):
        return EXIT_USAGE
    return EXIT_CONFIG if isinstance(error, ConfigError) else EXIT_FAILED


def _reopen_closed_streams() -> None:
    """Open standard streams that the caller closed on the null device.

    Otherwise the next file that is opened, the database, gets the descriptor of a standard stream.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "w" if number else "r"))


def _discard_output() -> None:
    """Write what is still buffered to the null device.

    A failure to write it at exit would be reported by Python itself, with exit code 120.
    """
    null_device = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null_device, sys.stdout.fileno())


def _print_error(message: str) -> None:
    click.secho(f"digest: {replace_unprintable(message)}", fg="red", err=True)


def _describe_version() -> str:
    """Return `0.1.0 (commit 1a2b3c4d5e6f)`, or the number alone if the commit is not known."""
    file = PACKAGE / "commit.txt"  # written by the build
    if (PACKAGE.parent / ".git").exists():
        commit = _ask_git()
    else:
        commit = file.read_text(encoding="ascii").strip() if file.exists() else ""
    return f"{__version__} (commit {commit})" if commit else __version__


def _ask_git() -> str:
    command = ["git", "-C", str(PACKAGE), "rev-parse", "--short=12", "HEAD"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603  fixed words
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""
