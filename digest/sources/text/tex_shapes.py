"""How do accents, raised letters and brackets look in Unicode? The shapes that tex.py speaks in."""

import unicodedata
from collections.abc import Mapping


def shifted(mark: str, letters: Mapping[str, str], inside: str) -> str:
    """Raised or lowered letters where that is short and Unicode has them; else the mark and the text."""
    if inside in {"∘", "°"}:
        return "°"
    if _is_short(inside) and all(char in letters for char in inside):
        return "".join(letters[char] for char in inside)
    is_one = len(inside) == 1 or inside.replace("_", "").isalnum()
    return f"{mark}{inside}" if is_one else f"{mark}({inside})"


def _is_short(text: str) -> bool:
    """Digits with their signs, or at most two letters; longer scripts are hard to read small."""
    letters = sum(char.isalpha() for char in text)
    return len(text) <= 6 and (letters == 0 or (letters <= 2 and len(text) <= 3))


def bracketed(text: str) -> str:
    """In brackets, unless it is one word or sign."""
    text = text.strip()
    return text if len(text) <= 1 or text.isalnum() else f"({text})"


def accented(base: str, accent: str, *, always: bool = False, otherwise: str = "") -> str:
    """The letter with its accent as one character; where there is none, the base stands alone."""
    base = base.lstrip()
    letter = {"ı": "i", "ȷ": "j"}.get(base[:1], base[:1])  # noqa: RUF001  dotless letters are meant
    joined = unicodedata.normalize("NFC", letter + accent)
    if letter and (len(joined) == 1 or (always and len(base) == 1 and letter.isalnum())):
        return joined + base[1:] if not always or len(base) == 1 else base
    return otherwise + base
