"""What may nobody read in a log or an alert? Mailboxes, passwords of URLs and tokens, whoever told them."""

import re

# What other programs say may repeat an address, a password in a URL, or a link that signs somebody in.
# A mailbox is looked for from the beginning of its word: from each letter, a long word would take minutes.
_SECRETS = re.compile(
    r"(?<![^\s<>\"'/=,;()@])[^\s<>\"'/=,;()@]+@(?=[\w-])"
    r"|(?<=[?&]t=)[^&\s\"'<>]+|(?<=[?&]token=)[^&\s\"'<>]+|(?<=/[cupvfeo]/)[\w-]{3}\.[\w.-]{16,}"
)


def discreet(line: str) -> str:
    """The line without names of mailboxes, passwords of URLs and tokens: the last of several guards."""
    return _SECRETS.sub("…", line)
