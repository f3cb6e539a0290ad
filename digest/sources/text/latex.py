"""How is TeX spoken? A small reader of the TeX that stands in titles, abstracts and names.

Not a TeX engine: it knows groups, the names of tex_names.py, accents, scripts, fractions and roots, and
says the name of whatever else it meets. It never raises, never loses a word, and takes linear time.
"""

# ruff: noqa: SLF001  the tables of commands stand below the class they belong to

import re
import unicodedata
from abc import ABC, abstractmethod
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

DEEPEST = 40  # groups within groups; nobody writes more, and a hostile text may not exhaust the stack
_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|\\|[{}$^_~]|[^\\{}$^_~]+", re.DOTALL)
_TOKEN_MARKS = frozenset("{}$^_~")


class Tape(ABC):
    """A text as tokens, read from left to right; `_next` and `_command` say what they mean."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = _TOKEN.findall(text)
        self._at = 0
        self._depth = 0

    @abstractmethod
    def _next(self, before: str) -> str:
        """What the next token says, `before` being what was said just now."""

    @abstractmethod
    def _command(self, name: str, before: str) -> str:
        """What a command says that is called so."""

    def everything(self) -> str:
        """All of the text, spoken."""
        parts: list[str] = []
        while self._at < len(self._tokens):
            parts.append(self._next(_last(parts)))
        return "".join(parts)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _cut(self, length: int) -> str:
        """Take only so many characters of the token that follows."""
        token = self._peek()
        self._tokens[self._at] = token[length:]
        self._at += not token[length:]
        return token[:length]

    def _group(self) -> str:
        """Up to the closing brace, or to the end when there is none; groups too deep are no groups."""
        if self._depth > DEEPEST:
            return ""
        self._depth += 1
        parts: list[str] = []
        while self._at < len(self._tokens) and self._peek() != "}":
            parts.append(self._next(_last(parts)))
        self._at += 1  # also past the end, so that an unclosed group is told from a closed one
        self._depth -= 1
        return "".join(parts)

    def _verbatim(self) -> str:
        """A group as it is written: addresses are full of signs that mean something else elsewhere."""
        if self._peek() != "{":
            return self._argument()
        start = self._at = self._at + 1
        while self._at < len(self._tokens) and self._peek() != "}":
            self._at += 1
        inside = "".join(self._tokens[start : self._at])
        self._at += 1
        return inside.replace("\\_", "_").replace("\\%", "%").replace("\\#", "#").replace("\\~", "~")

    def _argument(self) -> str:
        """What a command takes: a group, a command, or one character."""
        if self._peek().isspace():
            self._at += 1
        following = self._peek()
        if following == "{":
            self._at += 1
            return self._group()
        if following[:1] == "\\":
            return self._nested_command()
        return self._character() if following and following not in _TOKEN_MARKS else ""

    def _nested_command(self) -> str:
        if self._depth > DEEPEST:
            return ""
        self._depth += 1
        said = self._command(self._take()[1:], "")
        self._depth -= 1
        return said

    def _character(self) -> str:
        token = self._peek()
        return self._cut(len(token) - len(token.lstrip()) + 1).lstrip()


def _last(parts: list[str]) -> str:
    return next((part for part in reversed(parts[-4:]) if part), "")


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
