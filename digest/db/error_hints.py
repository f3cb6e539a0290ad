"""What should a person do about what the database says? Its words, and ours after them."""

import re
from pathlib import Path

from digest.models.errors import ConfigError

_DAMAGED = (
    "The file is damaged, or is something else: keep a copy of it, then put back a backup with "
    "`digest db restore FILE`."
)
_REMEDIES = (
    (
        r"disk I/O error|disk is full|no space left",
        "Is the disk full? Make room and try again; nothing was half done.",
    ),
    (r"malformed|corrupt|not a database", _DAMAGED),
    (r"readonly|read-only", "This user may not write to the file or to its folder."),
    (r"password authentication|role .* does not exist", "Look at user and password in DIGEST_DATABASE_URL."),
    (r'database ".*" does not exist', "Create it (createdb), then run `digest db migrate`."),
    (
        r"could not (?:connect|receive|translate)|connection (?:failed|refused|timeout)|timeout expired",
        "Is the server up, and are host and port in DIGEST_DATABASE_URL right?",
    ),
)
_KNOWN = tuple((re.compile(said, re.IGNORECASE), remedy) for said, remedy in _REMEDIES)


def with_remedy(reason: str) -> str:
    """The database's reason as one line, and what to do about it where we know."""
    line = " ".join(reason.split()).rstrip(".")
    remedy = next((remedy for said, remedy in _KNOWN if said.search(line)), "")
    return f"{line}. {remedy}".rstrip()


def must_be_a_place(file: Path) -> None:
    """ConfigError when no database can stand there, with what is in the way."""
    folder = file.resolve().parent
    if not folder.is_dir():
        raise ConfigError(
            f"There is no folder {folder} for the database: make it, or set DIGEST_DATABASE_URL to another."
        )
    if file.is_dir():
        raise ConfigError(f"{file} is a folder, not a database: set DIGEST_DATABASE_URL to a file.")
