"""What can a person ask of this program? The commands, each loaded only when it is called."""

import os
import sys
from importlib import import_module

import click

from digest import __version__
from digest.models.errors import (
    ConfigError,
    DigestError,
    InvalidAddress,
    InvalidChange,
    NotAsThingsStand,
    StoreBusy,
)

# name: one line for the list, so that --help needs no command's imports
COMMANDS = {
    "demo": "Ten mornings on embedded parts: no network, no configuration.",
    "preview": "Show exactly the mail that would be sent; send nothing.",
    "fetch": "Read the sources now.",
    "embed": "Compute the papers' vectors again, after a change of DIGEST_VECTORS.",
    "run": "One tick: fetch if due, plan what is due, send it, exit.",
    "send": "Plan and send what is due, without fetching.",
    "serve": "Web pages and scheduler in one process.",
    "worker": "Plan and send beside others: any number of these, on PostgreSQL.",
    "subscribers": "List, add, change and remove subscribers.",
    "papers": "Search what the store holds.",
    "trending": "The trending list with its numbers and reasons.",
    "rank": "The ranking alone: JSON lines in and out, no database.",
    "explain": "Why a paper was sent to a subscriber, or was not.",
    "evaluate": "Replay stored days and measure the choices.",
    "fit": "Learn the trending constants from your own snapshots.",
    "status": "What happened lately, and what to do about it.",
    "doctor": "Is everything set up right? Each line with its fix.",
    "release": "Let a held edition go out.",
    "deliveries": "Mails by state, and your word on the uncertain ones.",
    "bounces": "Read the bounce mailbox.",
    "db": "Migrate, check, back up and restore the database.",
}
EXIT_FAILED, EXIT_USAGE, EXIT_BUSY, EXIT_CONFIG, EXIT_INTERRUPTED = 1, 2, 75, 78, 130


class LazyGroup(click.Group):
    """A group whose commands are modules `digest.cli.<name>`, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click passes it
        """Every command that is there, in the order of a first meeting."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  same
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"digest.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101  narrows the type; a test loads each of them
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list for --help, from COMMANDS alone."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nStart with: digest demo\nthen:       digest preview --interests 'diffusion models, robotics'",
)
@click.version_option(__version__, prog_name="digest")
def digest() -> None:
    """Trending papers in your email inbox once a day, picked for you."""


def main() -> None:
    """Run a command; every failure ends in one clear line and the right exit code."""
    _open_what_is_closed()
    try:
        code = digest.main(standalone_mode=False) or 0
        sys.stdout.flush()  # here, where a full disk or a reader who left still has an answer
        sys.exit(code)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE if isinstance(error, click.UsageError) else error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say("stopped.")
        sys.exit(EXIT_INTERRUPTED)
    except DigestError as error:
        _say(str(error))
        sys.exit(exit_code(error))
    except BrokenPipeError:
        _drop_what_is_left()  # the reader of our output has left: nothing more to say
        sys.exit(EXIT_FAILED)
    except OSError as error:
        said = error.strerror or str(error)
        _say(f"{said}: {error.filename}" if error.filename else said)
        _drop_what_is_left()
        sys.exit(EXIT_FAILED)


def exit_code(error: DigestError) -> int:
    """The exit code that tells a calling program what kind of failure it was."""
    if isinstance(error, StoreBusy):
        return EXIT_BUSY
    if isinstance(error, InvalidAddress | InvalidChange) and not isinstance(error, NotAsThingsStand):
        return EXIT_USAGE
    return EXIT_CONFIG if isinstance(error, ConfigError) else EXIT_FAILED


def _open_what_is_closed() -> None:
    """Give a caller who closed a standard stream an empty one.

    Python has None in its place, and the next file that is opened, the database, would get its number.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "w" if number else "r"))


def _drop_what_is_left() -> None:
    """Let nothing be written at the exit, where a failure would be a word of Python's own and code 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _say(sentence: str) -> None:
    click.secho(f"digest: {sentence}", fg="red", err=True)
