"""Items of an untrusted response, made one by one: what cannot be read costs its own item only."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from digest.models.errors import SourceChanged

log = logging.getLogger(__name__)

S = TypeVar("S")
T = TypeVar("T")
# What unexpected values in a response raise while it is parsed.
PARSE_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class UnreadableItem(ValueError):
    """An item lacks a field that every item must have."""


@dataclass(frozen=True, slots=True)
class Items(Generic[T]):
    """The items that could be made; of the others how many lack a field, and how many hold the unforeseen."""

    made: tuple[T, ...]
    total: int
    unreadable: int = 0
    unforeseen: int = 0

    @property
    def skipped(self) -> int:
        """How many items are missing."""
        return self.unreadable + self.unforeseen

    def check(self, noun: str) -> "Items[T]":
        """Return these items. Raises SourceChanged if there were some and none could be read."""
        if self.skipped and self.skipped == self.total:
            raise SourceChanged(f"none of its {self.skipped} {noun} has the expected fields")
        return self


def make_items(sources: Iterable[S], make: Callable[[S], T | None]) -> Items[T]:
    """Return what *make* returns for each of *sources*; None leaves one out.

    *make* raises UnreadableItem to skip and count a source; any other error of parsing is counted and logged.
    """
    made: list[T] = []
    total = unreadable = unforeseen = 0
    for total, source in enumerate(sources, 1):  # noqa: B007  counted to the end
        try:
            item = make(source)
        except UnreadableItem:
            unreadable += 1
        except PARSE_ERRORS as error:
            if not unforeseen:  # one is enough: the others are usually of its kind
                log.warning("item broke", extra={"error": type(error).__name__}, exc_info=True)
            unforeseen += 1
        else:
            if item is not None:
                made.append(item)
    return Items(tuple(made), total, unreadable, unforeseen)
