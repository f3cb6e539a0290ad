"""How is TeX spoken? A small reader of the TeX that stands in titles, abstracts and names.

Not a TeX engine: it knows groups, the names of tex_names.py, accents, scripts, fractions and roots, and
says the name of whatever else it meets. It never raises, never loses a word, and takes linear time.
"""
# ruff: noqa: SLF001  the tables of commands stand below the class they belong to

import re
from collections.abc import Callable, Mapping

from digest.sources.text.latex_symbols import (
    ACCENTS,
    BLACKBOARD,
    DRESS,
    MATH_ACCENTS,
    SILENT,
    SPACES,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    SYMBOLS,
)
from digest.sources.text.tex_shapes import accented, bracketed, shifted
from digest.sources.text.tex_tape import Tape

BRACES = {"{": "\ue001", "}": "\ue002"}  # braces that are meant to be seen, until the reading is done
_RUN_IN = re.compile(r"(emph|text(?:bf|it|tt)|math(?:cal|bb|rm|bf|sf|it)|sqrt|cite[pt]?)(?=[a-zA-Z])")
_CITES = re.compile(r"(?:no|auto|paren|text|foot)?cite[a-z]*|(?:eq|auto|c|C|page)?ref")
_MUTE = frozenset({"begin", "end", "label", "vspace", "hspace", "color", "thanks", "vskip", "hskip"})
_FRACTIONS = frozenset({"frac", "tfrac", "dfrac", "nicefrac", "sfrac", "cfrac"})
_LETTERS = frozenset("ss ae AE oe OE o O l L aa AA i j dh DH th TH dj DJ ng NG".split())  # noqa: SIM905
_SPACING = {" ": " ", ",": " ", ";": " ", ":": " ", "!": "", "-": "", "/": "", "\n": " ", "\t": " ", ">": " "}


def spoken(text: str, *, has_tex: bool) -> str:
    """TeX as Unicode. Without `has_tex`, lone braces are punctuation rather than groups."""
    return _Reader(text, has_tex=has_tex).everything()


class _Reader(Tape):
    """Reads token by token; every method returns what is spoken for what it has read."""

    def __init__(self, text: str, *, has_tex: bool) -> None:
        super().__init__(text)
        self._in_math = False
        self._has_tex = has_tex

    def _next(self, before: str) -> str:
        """What the next token says, `before` being what was said just now."""
        token = self._take()
        if token[0] == "\\":
            return self._command(token[1:], before)
        mark = _MARKS.get(token)
        return mark(self, before) if mark else token

    def _open(self, _: str) -> str:
        inside = self._group()
        if self._has_tex:
            return inside
        is_closed = self._tokens[self._at - 1 : self._at] == ["}"]
        return BRACES["{"] + inside + (BRACES["}"] if is_closed else "")

    def _close(self, _: str) -> str:
        return "" if self._has_tex else BRACES["}"]

    def _dollar(self, _: str) -> str:
        self._in_math = not self._in_math
        return ""

    def _tie(self, before: str) -> str:
        """A tie between words is a space; a tilde before a number means `about` and stays."""
        after = self._peek()[:1]
        joins = (before[-1:].isalnum() or before[-1:] in tuple(".,:;)]}")) and before and after
        between_digits = before[-1:].isdigit() and after.isdigit()
        return " " if self._in_math or (joins and not after.isspace() and not between_digits) else "~"

    def _raised(self, before: str) -> str:
        return self._script("^", SUPERSCRIPTS, before)

    def _lowered(self, before: str) -> str:
        return self._script("_", SUBSCRIPTS, before)

    def _script(self, mark: str, letters: Mapping[str, str], before: str) -> str:
        """Raised or lowered where that is short and Unicode can; else the mark stays: D_train, 2^(n+k)."""
        braced, following = self._peek() == "{", self._peek()[:1]
        if not self._is_script(mark, before, following):
            return mark
        inside = self._argument().strip() if braced or self._in_math else self._number_or_sign()
        return shifted(mark, letters, inside) if inside else "" if braced else mark

    def _number_or_sign(self) -> str:
        """In prose `2^16` means sixteen, where TeX would take only the one."""
        number = re.match(r"[+-]?\d+", self._peek())
        if number is None:
            return self._argument().strip()
        return self._cut(number.end())

    def _is_script(self, mark: str, before: str, following: str) -> bool:
        """In prose only what can be meant so: `M^3`, `H_2O`, `x_{1}`, but not `file_name` or `^_^`."""
        if self._in_math or (self._has_tex and following == "{"):
            return True
        if not before or before[-1].isspace() or not following:
            return False
        if mark == "^":
            return following == "{" or (following not in "^_~$}" and not following.isspace())
        return following == "{" or (following.isdigit() and _is_one_number(self._peek()))

    def _command(self, name: str, before: str) -> str:
        if not name[:1].isalpha() or not name[:1].isascii():
            return self._sign(name, before)
        name = name.rstrip("*")
        if name in _SPECIAL:
            return _SPECIAL[name](self)
        if name in SPACES:
            return " "
        if name in SILENT:
            return self._silent()
        if name in MATH_ACCENTS:
            return accented(self._argument(), MATH_ACCENTS[name], always=True)
        return self._worded(name, before)

    def _worded(self, name: str, before: str) -> str:
        if name in ACCENTS and not self._in_math:
            return accented(self._argument(), ACCENTS[name])
        if _CITES.fullmatch(name):
            return self._cited()
        if name in SYMBOLS:
            return self._symbol(name, before)
        return self._unknown(name, before)

    def _silent(self) -> str:
        r"""Nothing of its own; `\left.` and `\right.` swallow their full stop."""
        if self._tokens[self._at - 1] in {"\\left", "\\right"} and self._peek()[:1] == ".":
            self._character()
        return ""

    def _symbol(self, name: str, before: str) -> str:
        r"""What the name stands for, without the space that only ended the name: Stra\ss e, 3\times 4."""
        said = SYMBOLS[name]
        is_letter = name in _LETTERS and not self._in_math
        is_sign = len(said) == 1 and not said.isalpha() and not before[-1:].isspace()
        if (is_letter or is_sign) and self._peek()[:1] == " " and self._peek()[1:]:
            self._cut(1)
        return BRACES.get(said, said)

    def _unknown(self, name: str, before: str) -> str:
        r"""Its name; a name that ran into its argument (`\sqrtT`) is taken apart first."""
        if run_in := _RUN_IN.match(name):
            self._at -= 1
            self._tokens[self._at] = name[run_in.end() :]
            return self._command(run_in[1], before)
        apart = " " if self._in_math and before[-1:].isalnum() and len(name) > 1 else ""
        has_argument = self._peek() == "{" and self._tokens[self._at + 1 : self._at + 2] != ["}"]
        return f"{apart}{name}{' ' if has_argument else ''}"

    def _cited(self) -> str:
        inside = self._verbatim()
        return f"[{inside}]" if inside else ""

    def _sign(self, sign: str, before: str) -> str:
        """A backslash before anything but a letter."""
        if sign in _SPACING:
            return _SPACING[sign]
        if sign == "\\":
            return "" if before[-1:].isalpha() and self._peek()[:1].isalpha() else " "
        if sign in ACCENTS:
            return self._accent(sign)
        if sign in BRACES:
            return BRACES[sign]
        if sign in {"(", ")", "[", "]"}:
            self._in_math = sign in "(["
            return ""
        return "‖" if sign == "|" else sign

    def _accent(self, sign: str) -> str:
        before = self._at
        base = self._argument()
        if not base and self._at == before:
            return sign if sign not in "^~" else ""
        return accented(base, ACCENTS[sign], otherwise=sign)

    def _root(self) -> str:
        degree = ""
        if (match := re.match(r"\s*\[([^\]]*)\]", self._peek())) is not None:
            degree = "".join(SUPERSCRIPTS.get(char, char) for char in match[1])
            self._cut(match.end())
        return f"{degree}√{bracketed(self._argument())}"

    def _linked(self) -> str:
        address, words = self._verbatim(), self._argument()
        return f"{words} ({address})" if words and words != address else address

    def _blackboard(self) -> str:
        return "".join(BLACKBOARD.get(char, char) for char in self._argument())

    def _footnote(self) -> str:
        return f" ({self._argument().strip()})"

    def _high(self) -> str:
        return shifted("", SUPERSCRIPTS, self._argument())

    def _low(self) -> str:
        return shifted("", SUBSCRIPTS, self._argument())

    def _fraction(self) -> str:
        return f"{bracketed(self._argument())}/{bracketed(self._argument())}"

    def _mute(self) -> str:
        self._argument()
        return ""

    def _coloured(self) -> str:
        self._argument()
        return self._argument()

    def _chosen(self) -> str:
        return f"({self._argument()} choose {self._argument()})"


_MARKS: Mapping[str, Callable[[_Reader, str], str]] = {
    "{": _Reader._open,
    "}": _Reader._close,
    "$": _Reader._dollar,
    "^": _Reader._raised,
    "_": _Reader._lowered,
    "~": _Reader._tie,
}
_SPECIAL: Mapping[str, Callable[[_Reader], str]] = {
    **dict.fromkeys(DRESS, _Reader._argument),
    **dict.fromkeys(_MUTE, _Reader._mute),
    **dict.fromkeys(_FRACTIONS, _Reader._fraction),
    "sqrt": _Reader._root,
    "textsuperscript": _Reader._high,
    "textsubscript": _Reader._low,
    "href": _Reader._linked,
    "url": _Reader._verbatim,
    "path": _Reader._verbatim,
    "nolinkurl": _Reader._verbatim,
    "mathbb": _Reader._blackboard,
    "mathbbm": _Reader._blackboard,
    "mathds": _Reader._blackboard,
    "footnote": _Reader._footnote,
    "textcolor": _Reader._coloured,
    "binom": _Reader._chosen,
}


def _is_one_number(text: str) -> bool:
    """Whether digits stand alone, as in H_2O and x_1, not as in release_2024_final."""
    digits = len(text) - len(text.lstrip("0123456789"))
    return digits <= 2
