"""What is a source? Something with a name that, on a visit, gives readings and never harms the others."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from digest.models import FetchResult, FetchState, Health, Paper
from digest.models.errors import SourceChanged, SourceError
from digest.sources.http.client import Client

log = logging.getLogger(__name__)

# What strange values in a stranger's answer lead to: it costs that source's reading, never the day.
BROKEN = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
Known = Callable[[Sequence[str]], set[str]]  # which of these paper ids the store holds
Tell = Callable[[str, int, int], None]  # progress for people: what, how many done, of how many


def nothing_known(_: Sequence[str]) -> set[str]:
    """The store's answer on its first day."""
    return set()


def ignore_progress(what: str, done: int, of: int) -> None:
    """Progress nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchContext:
    """What a source is given when it is read: a client, the time, and what the store remembers."""

    client: Client
    now: datetime
    known: Known = nothing_known
    memory: Mapping[str, FetchState] = field(default_factory=dict)  # by scope, of this source
    tell: Tell = ignore_progress
    pool: Sequence[str] = ()  # ids the store would like to know more about (citations, summaries)

    def recall(self, scope: str) -> FetchState:
        """What the store remembers of one scope; empty for a new one."""
        return self.memory.get(scope, FetchState())


class Source(Protocol):
    """One place that announces papers or counts attention."""

    @property
    def name(self) -> str:
        """The name in settings, in the store and on the screen."""

    def read(self, visit: FetchContext) -> AsyncIterator[FetchResult]:
        """One reading per scope. A SourceError ends the visit; what was given before it stands."""


async def read(source: Source, visit: FetchContext) -> list[FetchResult]:
    """Everything a source has to say now, counted. A dead source is a reading that says so."""
    readings: list[FetchResult] = []
    try:
        async for reading in source.read(visit):
            readings.append(counted(reading, visit.known))  # noqa: PERF401  what came before an error stays
    except SourceError as error:
        readings.append(failed(source.name, "", visit.now, error))
    except BROKEN as error:
        log.exception("source broke", extra={"source": source.name})
        readings.append(failed(source.name, "", visit.now, unreadable(error)))
    return readings


def unreadable(error: Exception) -> SourceChanged:
    """What is said of an answer that nobody foresaw: the log has the rest."""
    return SourceChanged(f"its answer holds something we cannot read ({type(error).__name__})")


def counted(reading: FetchResult, known: Known) -> FetchResult:
    """The reading with its unseen papers counted and its highest id named."""
    ids = [paper.id for paper in reading.papers]
    seen = known(ids) if ids else set()
    return replace(
        reading,
        unseen=sum(number not in seen for number in ids),
        newest=reading.newest or newest(reading.papers),
    )


def newest(papers: Sequence[Paper]) -> str:
    """The highest id, by which a stale batch is told from a fresh one."""
    return max((paper.id for paper in papers), default="")


def failed(source: str, scope: str, read_at: datetime, error: SourceError) -> FetchResult:
    """A reading that says why there is none."""
    health = Health.CHANGED if isinstance(error, SourceChanged) else Health.FAILED
    return FetchResult(source=source, scope=scope, read_at=read_at, health=health, note=sentence(str(error)))


def sentence(text: str) -> str:
    """The text as a sentence on one line, whoever wrote it: a capital first, a full stop last."""
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    first = text.partition(" ")[0]
    is_name = any(char.isupper() for char in first[1:]) or "." in first[:-1]  # arXiv, or a host
    start = text[:1] if is_name else text[:1].upper()
    return start + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def web_link(value: object) -> str:
    """A link as it may stand in a mail: http or https, or none at all."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text.startswith(("https://", "http://")) and len(text) < 2000 and " " not in text else ""
