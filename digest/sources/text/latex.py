"""Conversion of the TeX in titles, abstracts and names to plain Unicode text.

This is not a TeX engine: it knows groups, the commands of latex_symbols.py, accents, scripts, fractions and
roots, and prints the name of any other command. It never raises, never loses a word, and takes linear time.
"""

# ruff: noqa: SLF001  the tables of commands stand below the class they belong to

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from digest.sources.text.latex_symbols import (
    ACCENTS,
    BLACKBOARD,
    MATH_ACCENTS,
    NEGATED,
    SILENT_COMMANDS,
    SPACE_COMMANDS,
    STYLE_COMMANDS,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    SYMBOLS,
)

MAX_DEPTH = 40  # of nested groups; nobody writes more, and hostile text must not exhaust the stack
BRACE_PLACEHOLDERS = {"{": "\ue001", "}": "\ue002"}  # of braces to print, until the conversion is done

_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|\\|[{}$^_~]|[^\\{}$^_~]+", re.DOTALL)
_SPECIAL_CHARACTERS = frozenset("{}$^_~")
_RUN_IN = re.compile(r"(emph|text(?:bf|it|tt)|math(?:cal|bb|rm|bf|sf|it)|sqrt|cite[pt]?)(?=[a-zA-Z])")
_CITATION = re.compile(r"(?:no|auto|paren|text|foot)?cite[a-z]*|(?:eq|auto|c|C|page)?ref")
_DROPPED = frozenset(
    {"begin", "end", "label", "vspace", "hspace", "color", "thanks", "vskip", "hskip", "phantom", "hphantom"}
    | {"vphantom", "index", "todo", "tag", "pagestyle", "thispagestyle", "bibliographystyle"}
)
_FRACTIONS = frozenset({"frac", "tfrac", "dfrac", "nicefrac", "sfrac", "cfrac", "flatfrac", "xfrac"})
_OVER = frozenset({"overset", "stackrel"})
_ARROWS = {
    "xrightarrow": "→", "xleftarrow": "←", "xleftrightarrow": "↔", "xRightarrow": "⇒", "xLeftarrow": "⇐",
    "xmapsto": "↦", "xhookrightarrow": "↪", "xhookleftarrow": "↩", "xlongequal": "=",
    "xrightharpoonup": "⇀", "xrightleftharpoons": "⇌", "xtwoheadrightarrow": "↠",
}  # fmt: skip
_OPTION = re.compile(r"\s*\[[^\]]*\]")
_CONDITION_ENDS = ("\\else", "\\fi")
_ATOM_COUNT = re.compile(r"(?<=[A-Za-z)\]])\d+")
_STROKE = "\u0338"  # combined with the sign before it
# What a command puts around its one argument.
_FENCES = {
    "enquote": ("“", "”"), "pmod": (" (mod ", ")"), "abs": ("|", "|"), "norm": ("‖", "‖"), "bra": ("⟨", "|"),
    "ket": ("|", "⟩"), "Bra": ("⟨", "|"), "Ket": ("|", "⟩"), "braket": ("⟨", "⟩"), "Braket": ("⟨", "⟩"),
    "expval": ("⟨", "⟩"), "ceil": ("⌈", "⌉"), "floor": ("⌊", "⌋"), "parens": ("(", ")"),
    "paren": ("(", ")"),
}  # fmt: skip
_LETTERS = frozenset(
    "ss SS ohorn OHORN uhorn UHORN ij IJ ae AE oe OE o O l L aa AA i j dh DH th TH dj DJ ng NG".split()  # noqa: SIM905
)
_SPACING = {" ": " ", ",": " ", ";": " ", ":": " ", "!": "", "-": "", "/": "", "\n": " ", "\t": " ", ">": " "}


def latex_to_text(text: str, *, has_tex: bool) -> str:
    """Return TeX as Unicode text; without *has_tex*, lone braces are printed instead of read as groups."""
    return _Converter(text, has_tex=has_tex).convert()


class _Converter:
    """Converts token by token, left to right; every method returns the text of the tokens it has read."""

    def __init__(self, text: str, *, has_tex: bool) -> None:
        self._tokens: list[str] = _TOKEN.findall(text)
        self._position = 0
        self._depth = 0
        self._in_math = False
        self._has_tex = has_tex
        self._open_conditions = 0  # of \\ifmmode whose first branch is being printed
        self._last_condition_end: int | None = None  # index of the last \\fi, once it was looked for

    def convert(self) -> str:
        """Return the whole text, converted."""
        return self._convert_until("")

    def _convert_until(self, end: str) -> str:
        """Convert up to this token, or to the end of the text."""
        parts: list[str] = []
        while self._peek() not in ("", end):
            parts.append(self._convert_next(_last_text(parts)))
        return "".join(parts)

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._position += 1
        return token

    def _take_characters(self, count: int) -> str:
        """Take only the first characters of the next token."""
        token = self._peek()
        self._tokens[self._position] = token[count:]
        self._position += not token[count:]
        return token[:count]

    def _read_group(self) -> str:
        """Convert up to the closing brace, or to the end if there is none; nothing below MAX_DEPTH."""
        if self._depth > MAX_DEPTH:
            return ""
        self._depth += 1
        text = self._convert_until("}")
        self._position += 1  # also past the end, to tell an unclosed group from a closed one
        self._depth -= 1
        return text

    def _read_verbatim(self) -> str:
        """Return a group unconverted: URLs are full of characters that mean something else elsewhere."""
        if self._peek() != "{":
            return self._read_argument()
        start = self._position = self._position + 1
        while self._position < len(self._tokens) and self._peek() != "}":
            self._position += 1
        content = "".join(self._tokens[start : self._position])
        self._position += 1
        return content.replace("\\_", "_").replace("\\%", "%").replace("\\#", "#").replace("\\~", "~")

    def _read_argument(self) -> str:
        """Convert the argument of a command: a group, a command, or one character."""
        if self._peek().isspace():
            self._position += 1
        following = self._peek()
        if following == "{":
            self._position += 1
            return self._read_group()
        if following[:1] == "\\":
            return self._read_nested_command()
        return self._read_character() if following and following not in _SPECIAL_CHARACTERS else ""

    def _read_nested_command(self, before: str = "") -> str:
        if self._depth > MAX_DEPTH:
            return ""
        self._depth += 1
        text = self._convert_command(self._take()[1:], before)
        self._depth -= 1
        return text

    def _read_character(self) -> str:
        token = self._peek()
        return self._take_characters(len(token) - len(token.lstrip()) + 1).lstrip()

    def _convert_next(self, before: str) -> str:
        """Return the text of the next token; *before* is the last text that was returned."""
        token = self._take()
        if token[0] == "\\":
            return self._convert_command(token[1:], before)
        convert = _CHARACTERS.get(token)
        return convert(self, before) if convert else token

    # The special characters

    def _open_brace(self, _: str) -> str:
        content = self._read_group()
        if self._has_tex:
            return content
        is_closed = self._tokens[self._position - 1 : self._position] == ["}"]
        return BRACE_PLACEHOLDERS["{"] + content + (BRACE_PLACEHOLDERS["}"] if is_closed else "")

    def _close_brace(self, _: str) -> str:
        return "" if self._has_tex else BRACE_PLACEHOLDERS["}"]

    def _dollar(self, _: str) -> str:
        self._in_math = not self._in_math
        return ""

    def _tilde(self, before: str) -> str:
        """Print a tie between words as a space; a tilde before a number means `about` and stays."""
        after = self._peek()[:1]
        joins = (before[-1:].isalnum() or before[-1:] in tuple(".,:;)]}")) and before and after
        between_digits = before[-1:].isdigit() and after.isdigit()
        return " " if self._in_math or (joins and not after.isspace() and not between_digits) else "~"

    def _script(self, before: str, *, mark: str, letters: Mapping[str, str]) -> str:
        """Print a short script in Unicode if possible; else the mark stays: D_train, 2^(n+k)."""
        is_braced, following = self._peek() == "{", self._peek()[:1]
        if not self._is_script(mark, before, following):
            return mark
        text = self._read_argument().strip() if is_braced or self._in_math else self._read_script_in_prose()
        return format_script(mark, letters, text) if text or is_braced else mark

    def _read_script_in_prose(self) -> str:
        """Read a whole number: in prose `2^16` means sixteen, where TeX would take only the 1."""
        number = re.match(r"[+-]?\d+", self._peek())
        if number is None:
            return self._read_argument().strip()
        return self._take_characters(number.end())

    def _is_script(self, mark: str, before: str, following: str) -> bool:
        """Return whether a script is meant: in prose M^3, H_2O and x_{1}, but not file_name or ^_^."""
        if self._in_math or (self._has_tex and following == "{"):
            return True
        if not before or before[-1].isspace() or not following:
            return False
        if mark == "^":
            return following == "{" or (following not in "^_~$}" and not following.isspace())
        if following == "{":
            return True
        # At most two digits, as in H_2O and x_1, but not in release_2024_final.
        digits = len(self._peek()) - len(self._peek().lstrip("0123456789"))
        return following.isdigit() and digits <= 2

    # Commands

    def _convert_command(self, name: str, before: str) -> str:
        """Return the text of the command *name*, whose arguments follow."""
        if not name[:1].isalpha() or not name[:1].isascii():
            return self._convert_symbol_command(name, before)
        name = name.rstrip("*")
        if name in _COMMANDS:
            return _COMMANDS[name](self)
        if name in SPACE_COMMANDS:
            return " "
        if name in SILENT_COMMANDS:
            return self._silent()
        if name in MATH_ACCENTS:
            return add_accent(self._read_argument(), MATH_ACCENTS[name], always=True)
        return self._convert_printed_command(name, before)

    def _convert_printed_command(self, name: str, before: str) -> str:
        """Convert a command that prints something of its own."""
        if name in ACCENTS and not self._in_math:
            is_braced, base = self._peek() == "{", self._read_argument()
            return add_accent(base, ACCENTS[name], always=is_braced and len(base) == 1)
        if _CITATION.fullmatch(name):
            return self._citation()
        if name in SYMBOLS:
            return self._symbol(name, before)
        if name == "not":
            return self._negated(before)
        return self._unknown(name, before)

    def _convert_symbol_command(self, symbol: str, before: str) -> str:
        """Convert a backslash before anything but a letter."""
        if symbol in _SPACING:
            return _SPACING[symbol]
        if symbol == "\\":
            return "" if before[-1:].isalpha() and self._peek()[:1].isalpha() else " "
        if symbol in ACCENTS:
            return self._accent(symbol)
        if symbol in BRACE_PLACEHOLDERS:
            return BRACE_PLACEHOLDERS[symbol]
        if symbol in {"(", ")", "[", "]"}:
            self._in_math = symbol in "(["
            return ""
        return "‖" if symbol == "|" else symbol

    def _accent(self, symbol: str) -> str:
        start = self._position
        base = self._read_argument()
        if not base and self._position == start:
            return symbol if symbol not in "^~" else ""
        is_letter = self._tokens[start] == "{" and len(base) == 1
        return add_accent(base, ACCENTS[symbol], always=is_letter, fallback=symbol)

    def _silent(self) -> str:
        r"""Print nothing; `\left.` and `\right.` swallow their full stop."""
        if self._tokens[self._position - 1] in {"\\left", "\\right"} and self._peek()[:1] == ".":
            self._read_character()
        return ""

    def _symbol(self, name: str, before: str) -> str:
        r"""Print a symbol without the space that only ended its name: Stra\ss e, 3\times 4."""
        symbol = SYMBOLS[name]
        is_letter = name in _LETTERS and not self._in_math
        is_operator = len(symbol) == 1 and not symbol.isalpha() and not before[-1:].isspace()
        if (is_letter or is_operator) and self._peek()[:1] == " " and self._peek()[1:]:
            self._take_characters(1)
        return BRACE_PLACEHOLDERS.get(symbol, symbol)

    def _unknown(self, name: str, before: str) -> str:
        r"""Print the name; a known command that ran into its argument (`\sqrtT`) is split first."""
        if run_in := _RUN_IN.match(name):
            self._position -= 1
            self._tokens[self._position] = name[run_in.end() :]
            return self._convert_command(run_in[1], before)
        separator = " " if self._in_math and before[-1:].isalnum() and len(name) > 1 else ""
        if self._depth > MAX_DEPTH:
            return f"{separator}{name}"
        arguments = []
        while self._peek() == "{":
            self._position += 1
            arguments.append(self._read_group())
        return separator + " ".join([name, *filter(None, arguments)])

    def _negated(self, before: str) -> str:
        r"""Print the next sign with a stroke: `\not\in` is ∉."""
        if self._depth > MAX_DEPTH:
            return "not "
        if self._peek().isspace():
            self._position += 1
        sign = self._read_nested_command(before) if self._peek()[:1] == "\\" else self._read_argument()
        first, rest = sign.lstrip()[:1], sign.lstrip()[1:]
        if not first or first.isalnum():
            return f"not {sign}" if sign else "not"
        return NEGATED.get(first) or unicodedata.normalize("NFC", first + _STROKE) + rest

    def _over(self) -> str:
        """Print the base alone: what stands over a sign only comments it."""
        self._read_argument()
        return self._read_argument()

    def _under(self) -> str:
        below, base = self._read_argument().strip(), self._read_argument().strip()
        return base + format_script("_", SUBSCRIPTS, below)

    def _arrow(self, *, arrow: str) -> str:
        self._skip_options()
        self._read_argument()
        return arrow

    def _fence(self, *, fence: tuple[str, str]) -> str:
        return self._read_argument().join(fence)

    def _skip_options(self) -> None:
        while option := _OPTION.match(self._peek()):
            self._take_characters(option.end())

    def _plain_alternative(self) -> str:
        """Print what the author wrote for programs that know no TeX, if it is there."""
        tex, plain = self._read_argument(), self._read_argument()
        return plain if plain.strip() else tex

    def _if_math(self) -> str:
        r"""Print one branch of `\ifmmode … \else … \fi`: the text's, or within mathematics the other."""
        if self._in_math:
            self._open_conditions += 1
        else:
            self._skip_to(_CONDITION_ENDS)
        return self._swallow_space()

    def _else(self) -> str:
        if self._open_conditions:
            self._open_conditions -= 1
            self._skip_to(_CONDITION_ENDS[1:])
        return self._swallow_space()

    def _skip_to(self, ends: Sequence[str]) -> None:
        """Move behind the next of these commands; nowhere if there is none."""
        if self._last_condition_end is None:
            ends_at = [index for index, command in enumerate(self._tokens) if command == _CONDITION_ENDS[1]]
            self._last_condition_end = ends_at[-1] if ends_at else -1
        if self._position <= self._last_condition_end:
            while self._take() not in ends:
                pass

    def _swallow_space(self) -> str:
        if self._peek()[:1] == " ":
            self._take_characters(1)
        return ""

    def _isotope(self) -> str:
        above, below, base = self._read_argument(), self._read_argument(), self._read_argument()
        raised = format_script("^", SUPERSCRIPTS, above.strip())
        return raised + format_script("_", SUBSCRIPTS, below.strip()) + base

    def _formula(self) -> str:
        r"""Print a chemical formula: in `\ce{H2O}` a number behind an element counts its atoms."""
        return _ATOM_COUNT.sub(
            lambda number: format_script("_", SUBSCRIPTS, number[0]), self._read_argument()
        )

    def _quantity(self) -> str:
        self._skip_options()
        return f"{self._read_argument().strip()} {self._read_argument().strip()}".strip()

    def _second_argument(self) -> str:
        self._read_argument()
        self._skip_options()
        return self._read_argument()

    def _citation(self) -> str:
        self._skip_options()
        keys = self._read_verbatim()
        return f"[{keys}]" if keys else ""

    def _root(self) -> str:
        degree = ""
        if (match := re.match(r"\s*\[([^\]]*)\]", self._peek())) is not None:
            degree = "".join(SUPERSCRIPTS.get(char, char) for char in match[1])
            self._take_characters(match.end())
        return f"{degree}√{add_parentheses(self._read_argument())}"

    def _link(self) -> str:
        url, text = self._read_verbatim(), self._read_argument()
        return f"{text} ({url})" if text and text != url else url

    def _blackboard(self) -> str:
        return "".join(BLACKBOARD.get(char, char) for char in self._read_argument())

    def _fraction(self) -> str:
        return f"{add_parentheses(self._read_argument())}/{add_parentheses(self._read_argument())}"

    def _dropped(self) -> str:
        self._read_argument()
        return ""


_CHARACTERS: Mapping[str, Callable[[_Converter, str], str]] = {
    "{": _Converter._open_brace,
    "}": _Converter._close_brace,
    "$": _Converter._dollar,
    "^": partial(_Converter._script, mark="^", letters=SUPERSCRIPTS),
    "_": partial(_Converter._script, mark="_", letters=SUBSCRIPTS),
    "~": _Converter._tilde,
}
_COMMANDS: Mapping[str, Callable[[_Converter], str]] = {
    **dict.fromkeys(STYLE_COMMANDS, _Converter._read_argument),
    **dict.fromkeys(_DROPPED, _Converter._dropped),
    **dict.fromkeys(_FRACTIONS, _Converter._fraction),
    "sqrt": _Converter._root,
    "textsuperscript": lambda tex: format_script("", SUPERSCRIPTS, tex._read_argument()),
    "textsubscript": lambda tex: format_script("", SUBSCRIPTS, tex._read_argument()),
    "href": _Converter._link,
    **dict.fromkeys(("url", "path", "nolinkurl"), _Converter._read_verbatim),
    **dict.fromkeys(("mathbb", "mathbbm", "mathds", "Bbb"), _Converter._blackboard),
    "footnote": lambda tex: f" ({tex._read_argument().strip()})",
    **dict.fromkeys(
        ("textcolor", "colorbox", "scalebox", "raisebox", "rotatebox", "foreignlanguage"),
        _Converter._second_argument,
    ),
    **dict.fromkeys(
        ("binom", "dbinom", "tbinom"),
        lambda tex: f"({tex._read_argument()} choose {tex._read_argument()})",
    ),
    **dict.fromkeys(_OVER, _Converter._over),
    **{name: partial(_Converter._arrow, arrow=arrow) for name, arrow in _ARROWS.items()},
    **{name: partial(_Converter._fence, fence=fence) for name, fence in _FENCES.items()},
    "underset": _Converter._under,
    "texorpdfstring": _Converter._plain_alternative,
    "ifmmode": _Converter._if_math,
    "else": _Converter._else,
    "fi": _Converter._swallow_space,
    "prescript": _Converter._isotope,
    "ce": _Converter._formula,
    **dict.fromkeys(("SI", "qty"), _Converter._quantity),
}


def _last_text(parts: list[str]) -> str:
    return next((part for part in reversed(parts[-4:]) if part), "")


def format_script(mark: str, letters: Mapping[str, str], text: str) -> str:
    """Return raised or lowered letters if that is short and Unicode has them, else the mark and *text*."""
    if text in {"∘", "°"}:
        return "°"
    if _is_short(text) and all(char in letters for char in text):
        return "".join(letters[char] for char in text)
    is_one_word = len(text) == 1 or text.replace("_", "").isalnum()
    return f"{mark}{text}" if is_one_word else f"{mark}({text})"


def _is_short(text: str) -> bool:
    """Return whether *text* is legible when small: digits with their signs, or at most two letters."""
    letters = sum(char.isalpha() for char in text)
    return len(text) <= 6 and (letters == 0 or (letters <= 2 and len(text) <= 3))


def add_parentheses(text: str) -> str:
    """Return *text* in parentheses, unless it is one word or character."""
    text = text.strip()
    return text if len(text) <= 1 or text.isalnum() else f"({text})"


def add_accent(base: str, accent: str, *, always: bool = False, fallback: str = "") -> str:
    """Return *base* with the accent on its first letter, if Unicode has that as one character.

    Args:
        base: the letter, and what follows it.
        accent: a combining character.
        always: combine also if there is no single character, but only with a lone letter.
        fallback: what to put before the base if there is no such character.
    """
    base = base.lstrip()
    letter = {"ı": "i", "ȷ": "j"}.get(base[:1], base[:1])  # noqa: RUF001  dotless letters are meant
    joined = unicodedata.normalize("NFC", letter + accent)
    if letter and (len(joined) == 1 or (always and len(base) == 1 and letter.isalnum())):
        return joined + base[1:] if not always or len(base) == 1 else base
    return fallback + base
