"""Write what is generated from the code: references of commands and settings, man page, completions, licences.

    make reference        # or: python docs/reference/generate.py

tests/test_docs.py compares the files with the code.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from digest.app.settings import Settings, list_variables
from digest.cli import digest

TOP = Path(__file__).parents[2]
GENERATED = "<!-- Generated from the code by `make reference`: do not edit. -->"
SHELLS = {"bash": "digest", "zsh": "_digest", "fish": "digest.fish"}
EXIT_CODES = (
    (0, "done"),
    (1, "some of the work failed; or nothing was found"),
    (2, "the command was written wrongly"),
    (75, "another process is sending from this database"),
    (78, "a setting is missing or wrong"),
    (130, "stopped by Ctrl+C"),
)


def generate() -> Mapping[str, str]:
    """Return the text of every generated file by its path in the repository."""
    completions = {
        f"deploy/completions/{name}": get_completion_class(shell)(  # type: ignore[misc]
            digest, {}, "digest", "_DIGEST_COMPLETE"
        ).source()
        for shell, name in SHELLS.items()
    }
    return {
        "docs/reference/commands.md": format_commands(),
        "docs/reference/settings.md": format_settings(),
        "docs/reference/licences.md": format_licences(),
        "deploy/man/digest.1": format_man_page(),
        **completions,
    }


def walk_commands() -> Iterator[tuple[click.Context, click.Command]]:
    """Yield every command in the order of `digest --help`, each with a context that knows its name."""
    top = click.Context(digest, info_name="digest", max_content_width=100, terminal_width=100)
    yield from _walk(top, digest)


def _walk(ctx: click.Context, command: click.Command) -> Iterator[tuple[click.Context, click.Command]]:
    if ctx.parent:
        yield ctx, command
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            child = command.get_command(ctx, name)
            if child is not None and not child.hidden:
                yield from _walk(click.Context(child, info_name=name, parent=ctx), child)


def format_commands() -> str:
    """Return the reference of all commands."""
    parts = [
        f"{GENERATED}\n# Commands\n",
        "Every command has `--help` with an example. Completion in your shell: [completions](#completions).\n",
    ]
    for ctx, command in walk_commands():
        level = "#" * (1 + ctx.command_path.count(" "))
        usage = " ".join(command.collect_usage_pieces(ctx))
        parts.append(f"{level} {ctx.command_path}\n\n    {ctx.command_path} {usage}\n")
        parts += [f"{paragraph}\n" for paragraph in _read_paragraphs(command.help)]
        rows = [
            _escape_cells(record) for param in command.get_params(ctx) if (record := _get_record(param, ctx))
        ]
        if rows:
            parts.append("| option | meaning |\n|---|---|\n" + "\n".join(rows) + "\n")
        if command.epilog:
            lines = [line.strip() for line in command.epilog.replace("\b", "").strip().splitlines()]
            parts.append("\n".join(f"    {line}" for line in lines) + "\n")
    parts.append("## Exit codes\n")
    parts.append(
        "| code | meaning |\n|---|---|\n" + "\n".join(f"| {c} | {text} |" for c, text in EXIT_CODES) + "\n"
    )
    parts.append(
        "## Completions\n\n"
        "The package installs completions for bash, zsh and fish and a man page where the system looks for them\n"
        '(`share/` of the environment). Without that, in bash: `eval "$(_DIGEST_COMPLETE=bash_source digest)"`.\n'
    )
    return "\n".join(parts)


def _get_record(param: click.Parameter, ctx: click.Context) -> tuple[str, str] | None:
    record = param.get_help_record(ctx)
    return None if record is None or not record[1] or "--help" in record[0] else record


def _escape_cells(record: tuple[str, str]) -> str:
    name, text = (cell.replace("|", "\\|") for cell in record)
    return f"| `{name}` | {' '.join(text.split())} |"


def _read_paragraphs(help_text: str | None) -> list[str]:
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", (help_text or "").replace("\b", ""))]


def format_settings() -> str:
    """Return the reference of all settings."""
    rows = []
    for name, variable in list_variables().items():
        field = Settings.model_fields[name]
        default = _format_default(field.get_default(call_default_factory=True))
        meaning = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{variable}` | {default} | {meaning} |")
    return (
        f"{GENERATED}\n# Settings\n\n"
        "Read from the environment, or from a file `.env` in the working folder; nothing needs to be set. Any of them\n"
        "may also be read from a file: `DIGEST_SECRET_KEY_FILE=/run/secrets/key`. `digest doctor` checks them.\n\n"
        "| setting | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _format_default(value: object) -> str:
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if value in ("", None, ()):
        return ""
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    if hasattr(value, "strftime"):
        value = value.strftime("%H:%M")
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def format_licences() -> str:
    """Return the licences of everything that an installation from `deploy/requirements.txt` holds."""
    lines = (TOP / "deploy/requirements.txt").read_text().splitlines()
    names = sorted(
        {match[1].lower() for line in lines if (match := re.match(r"([\w.-]+)(?:\[.*\])?==", line))}
    )
    rows = [f"| {name} | {_find_licence(name)} |" for name in names]
    return (
        f"{GENERATED}\n# Licences of the dependencies\n\n"
        "The program itself is under the MIT licence. What `deploy/requirements.txt` installs beside it:\n\n"
        "| package | licence |\n|---|---|\n" + "\n".join(rows) + "\n"
    )


def _find_licence(name: str) -> str:
    try:
        data = metadata(name)
    except PackageNotFoundError:
        return "only on other systems"
    expression = data.get("License-Expression")
    classifiers = [
        line.rpartition(" :: ")[2] for line in data.get_all("Classifier", []) if line.startswith("License ::")
    ]
    first_line = (data.get("License") or "").strip().partition("\n")[0]
    return expression or ", ".join(classifiers) or first_line[:60] or "see the package"


def format_man_page() -> str:
    """Return the man page digest(1)."""
    lines = [
        '.TH DIGEST 1 "" "trending-papers-digest" "User Commands"',
        ".SH NAME\ndigest \\- trending papers in your email inbox once a day",
        ".SH SYNOPSIS\n.B digest\nCOMMAND [OPTIONS]",
        f".SH DESCRIPTION\n{_escape_roff(' '.join(_read_paragraphs(digest.help)))}",
        ".SH COMMANDS",
    ]
    for ctx, command in walk_commands():
        usage = " ".join(command.collect_usage_pieces(ctx))
        lines.append(f".SS {_escape_roff(f'{ctx.command_path} {usage}')}")
        lines += [f"{_escape_roff(paragraph)}\n.PP" for paragraph in _read_paragraphs(command.help)]
        for param in command.get_params(ctx):
            if record := _get_record(param, ctx):
                lines.append(
                    f".TP\n.B {_escape_roff(record[0])}\n{_escape_roff(' '.join(record[1].split()))}"
                )
    lines.append(".SH EXIT STATUS")
    lines += [f".TP\n.B {code}\n{text}" for code, text in EXIT_CODES]
    lines.append(
        ".SH FILES\n.TP\n.I .env\nSettings of the working folder; every one is in docs/reference/settings.md."
    )
    return "\n".join(lines) + "\n"


def _escape_roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main() -> None:
    """Write every generated file that differs."""
    for name, text in generate().items():
        path = TOP / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {name}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
