"""Plain text as LaTeX and BibTeX.

Latin letters, Greek and mathematics become ASCII, as BibTeX needs it to sort and abbreviate; other scripts
stay Unicode. Braces are always balanced, because BibTeX counts escaped ones too.
"""
# ruff: noqa: RUF001  the tables hold the characters that they replace

import re
import unicodedata
from functools import cache

_GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER ((?:FINAL )?[A-Z]+)")
_GREEK_CAPITALS = {"gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi", "psi", "omega"}
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u0304": "=", "\u0307": ".",
    "\u0306": "u", "\u030c": "v", "\u030b": "H", "\u030a": "r", "\u0327": "c", "\u0328": "k", "\u0323": "d",
    "\u0331": "b",
}  # fmt: skip
_LETTERS = {
    "ß": r"\ss", "æ": r"\ae", "Æ": r"\AE", "œ": r"\oe", "Œ": r"\OE", "ø": r"\o", "Ø": r"\O", "ł": r"\l",
    "Ł": r"\L", "ı": r"\i", "đ": r"\dj", "Đ": r"\DJ", "ð": r"\dh", "Ð": r"\DH", "þ": r"\th", "Þ": r"\TH",
}  # fmt: skip
_MATH = {
    "−": "-", "±": r"\pm", "∓": r"\mp", "×": r"\times", "÷": r"\div", "·": r"\cdot", "⋅": r"\cdot",
    "∘": r"\circ", "≤": r"\leq", "≥": r"\geq", "⩽": r"\leq", "⩾": r"\geq", "≠": r"\neq", "≈": r"\approx",
    "≃": r"\simeq", "≅": r"\cong", "≡": r"\equiv", "∼": r"\sim", "∝": r"\propto", "≪": r"\ll", "≫": r"\gg",
    "→": r"\to", "←": r"\leftarrow", "↔": r"\leftrightarrow", "⇒": r"\Rightarrow", "⇔": r"\Leftrightarrow",
    "↦": r"\mapsto", "↑": r"\uparrow", "↓": r"\downarrow", "∞": r"\infty", "∂": r"\partial", "∇": r"\nabla",
    "√": r"\surd", "∑": r"\sum", "∏": r"\prod", "∫": r"\int", "∈": r"\in", "∉": r"\notin", "∋": r"\ni",
    "⊂": r"\subset", "⊆": r"\subseteq", "⊃": r"\supset", "∪": r"\cup", "∩": r"\cap", "∅": r"\emptyset",
    "∀": r"\forall", "∃": r"\exists", "¬": r"\neg", "∧": r"\wedge", "∨": r"\vee", "⊕": r"\oplus",
    "⊗": r"\otimes", "†": r"\dagger", "‡": r"\ddagger", "⟨": r"\langle", "⟩": r"\rangle", "ℓ": r"\ell",
    "ħ": r"\hbar", "ℏ": r"\hbar", "∥": r"\parallel", "⊥": r"\perp", "∗": r"\ast", "⋆": r"\star", "′": "'",
    "″": "''", "ϵ": r"\epsilon", "ϕ": r"\phi", "ϑ": r"\vartheta", "ϱ": r"\varrho", "ϖ": r"\varpi",
    "°": r"^{\circ}", "<": "<", ">": ">", "|": r"\vert", "…": r"\ldots", "⋯": r"\cdots", "‖": r"\Vert",
    "⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil", "µ": r"\mu",
}  # fmt: skip
_TEX: dict[str, str] = {
    "\\": r"{\textbackslash}", "{": r"{\textbraceleft}", "}": r"{\textbraceright}", "$": r"\$", "&": r"\&",
    "%": r"\%", "#": r"\#", "_": r"\_", "~": r"{\textasciitilde}", "^": r"{\textasciicircum}", '"': "{''}",
    "‘": "`", "’": "'", "“": "``", "”": "''", "„": ",,", "–": "--", "—": "---", "‐": "-", "‑": "-",
    "\u00a0": "~", "\u2009": r"\,", "\u202f": r"\,", "\u200b": "", "\u200c": "", "\u200d": "", "¡": "{!`}",
    "¿": "{?`}", "§": r"{\S}", "¶": r"{\P}", "©": r"{\textcopyright}", "®": r"{\textregistered}",
    "™": r"{\texttrademark}", "£": r"{\pounds}", "€": r"{\texteuro}", "•": r"{\textbullet}",
    **{letter: f"{{{macro}}}" for letter, macro in _LETTERS.items()},
    **{sign: rf"\ensuremath{{{macro}}}" for sign, macro in _MATH.items()},
}  # fmt: skip


def escape_tex(text: str) -> str:
    """Return plain text as LaTeX that prints the same, in text mode."""
    return "".join(map(_escape_char, unicodedata.normalize("NFC", text)))


@cache
def _escape_char(char: str) -> str:
    if char in _TEX:
        return _TEX[char]
    if char.isascii():
        return char
    if greek := _GREEK.fullmatch(unicodedata.name(char, "")):
        return _escape_greek(char, greek)
    return _escape_accents(char) or _escape_compatible(char) or char


def _escape_greek(char: str, name: re.Match[str]) -> str:
    letter = name[2].lower().replace("final sigma", "varsigma").replace("lamda", "lambda")
    if letter == "omicron":
        return "o" if name[1] == "SMALL" else "O"
    if name[1] == "SMALL":
        return rf"\ensuremath{{\{letter}}}"
    return rf"\ensuremath{{\{letter.title()}}}" if letter in _GREEK_CAPITALS else char


def _escape_accents(char: str) -> str:
    """Return a Latin letter with its accents, in braces as BibTeX sorts it; empty if it is none."""
    base, *marks = [*unicodedata.normalize("NFD", char)]
    if not marks or any(mark not in _ACCENTS for mark in marks):
        return ""
    if not (base in _LETTERS or (base.isascii() and base.isalpha())):
        return ""
    letter = rf"\{base}" if base in "ij" else _LETTERS.get(base, base)
    for mark in marks:
        accent = _ACCENTS[mark]
        needs_braces = accent.isalpha() or (len(letter) > 1 and letter not in (r"\i", r"\j"))
        letter = rf"\{accent}{{{letter}}}" if needs_braces else rf"\{accent}{letter}"
    return f"{{{letter}}}"


def _escape_compatible(char: str) -> str:
    """Return a raised or lowered character, a ligature or a blackboard letter; empty if it is none."""
    kind, _, code = unicodedata.decomposition(char).partition(" ")
    plain = "".join(chr(int(part, 16)) for part in code.split()) if code else ""
    if not plain or not all(map(_is_simple, plain)):
        return ""
    escaped = "".join(map(_escape_char, plain))
    if kind in ("<super>", "<sub>"):
        return rf"\ensuremath{{{'^' if kind == '<super>' else '_'}{{{escaped}}}}}"
    if kind == "<font>" and "DOUBLE-STRUCK" in unicodedata.name(char, ""):
        return rf"\ensuremath{{\mathbb{{{plain}}}}}"
    return escaped if kind in ("<compat>", "<font>", "<noBreak>") else ""


def _is_simple(char: str) -> bool:
    return char.isascii() or char in _TEX or bool(_GREEK.fullmatch(unicodedata.name(char, "")))
