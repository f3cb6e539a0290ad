"""What may a stranger's text hold? Letters, marks and single blanks; nothing that steers or hides."""

import re

BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Zero-width and direction marks, surrogates, private use (also where stencils mark holes), specials, tags.
UNSEEN = re.compile(
    r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ue000-\uf8ff\ufeff"
    r"\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000effff\U000f0000-\U0010ffff]"
)
STRANGE = re.compile(rf"{UNSEEN.pattern}|[^\S ]|[\x00-\x1f\x7f-\x9f]|  ")


def clean(text: str) -> str:
    """The same text on one line, without what a reader cannot see. Most texts come back as they are."""
    if not STRANGE.search(text):
        return text.strip()
    return BLANKS.sub(" ", UNSEEN.sub("", text)).strip()
