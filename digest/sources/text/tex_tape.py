"""Where in the text are we? TeX's tokens, groups and arguments; what they say is for tex.py to know."""

import re
from abc import ABC, abstractmethod

DEEPEST = 40  # groups within groups; nobody writes more, and a hostile text may not exhaust the stack
_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|\\|[{}$^_~]|[^\\{}$^_~]+", re.DOTALL)
_MARKS = frozenset("{}$^_~")


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
        return self._character() if following and following not in _MARKS else ""

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
