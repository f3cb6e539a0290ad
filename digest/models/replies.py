"""Replies of mail servers as evidence: without the reader's name, and comparable with those to others."""

import re

MAX_CHARS = 200
_ADDRESS = re.compile(r"[^\s<>\"'(=:]*@[^\s<>\"'),;]*")
_CHANGING = re.compile(r"\S*[\d…]\S*")  # ids, times, IP addresses, names left out: different in every reply
_WORD = re.compile(r"[^\W\d_]+")
MIN_NAME_CHARS = 3  # a shorter name before the @ is part of other words


def remove_names(reply: str, address: str) -> str:
    """Return the beginning of *reply* without addresses and without the parts of *address*, on one line."""
    text = _ADDRESS.sub("…", " ".join(reply[: 5 * MAX_CHARS].split()))
    for name in address.split("@"):
        if len(name) >= MIN_NAME_CHARS:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return text[:MAX_CHARS]


def compute_answer_key(code: str, reply: str) -> str:
    """Return what two replies with the same words have in common, whatever their ids, times and names."""
    words = _WORD.findall(_CHANGING.sub(" ", reply).lower())
    return " ".join([code, *words])[:MAX_CHARS]
