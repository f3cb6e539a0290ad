"""Redaction of mailboxes, URL passwords and tokens in log lines and alerts."""

import re

# Messages of other programs may repeat an address, a password in a URL, or the token of a link.
# A match starts only at the beginning of a word: tried at each letter, a long word would take minutes.
_SECRETS = re.compile(
    r"(?<![^\s<>\"'/=,;()@])[^\s<>\"'/=,;()@]+@(?=[\w-])"
    r"|(?<=[?&]t=)[^&\s\"'<>]+|(?<=[?&]token=)[^&\s\"'<>]+|(?<=/[acupvfeo]/)[\w-]{3,4}\.[\w.-]{16,}"
)


def redact(line: str) -> str:
    """Replace the local parts of addresses, passwords in URLs and tokens in links by `…`."""
    return _SECRETS.sub("…", line)
