"""The interface of a source, and how it is fetched without harm to the other sources."""

import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import anyio

from digest.models import Announcement, FetchResult, FetchState, Health, Signal, SignalKind
from digest.models.errors import DigestError, SourceChanged, SourceError
from digest.models.paper_ids import canonicalize
from digest.models.papers import clean_paper

if TYPE_CHECKING:  # importing httpx takes 9 MiB and 0.1 s
    from digest.sources.http.client import Client

T = TypeVar("T")
log = logging.getLogger(__name__)

MAX_FETCH_SECONDS = 600  # of one source; the first fetch of arXiv, three seconds a request, takes less

FindExisting = Callable[[Sequence[str]], set[str]]  # returns those of the paper ids that are stored
# Returns the last stored signal of a source and kind, of each paper of the last weeks that has one.
FindLastSignals = Callable[[str, SignalKind], Sequence[Signal]]
ProgressCallback = Callable[[str, int, int], object]  # called with a label, how many are done, of how many


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchContext:
    """What a source needs to fetch: a client, the time, and what is stored already."""

    client: "Client"
    now: datetime
    find_existing: FindExisting = lambda _: set()
    find_last_signals: FindLastSignals = lambda _source, _kind: ()
    states: Mapping[str, FetchState] = field(default_factory=dict)  # by scope, of this source only
    on_progress: ProgressCallback | None = None
    ids_to_enrich: Sequence[str] = ()  # stored papers about which counts and summaries are wanted

    def get_state(self, scope: str) -> FetchState:
        """Return the stored state of *scope*, an empty one for a new scope."""
        return self.states.get(scope, FetchState())

    def list_new(self, ids: Sequence[str]) -> list[str]:
        """Return those of these paper ids that are not stored, in their order."""
        existing = self.find_existing(ids) if ids else set()
        return [paper_id for paper_id in ids if paper_id not in existing]

    def track(self, label: str, items: Collection[T]) -> Iterator[T]:
        """Yield these items; report before each, and at the end, how many are done."""
        for done, item in enumerate(items):
            self.report_progress(label, done, len(items))
            yield item
        self.report_progress(label, len(items), len(items))

    def report_progress(self, label: str, done: int, total: int) -> None:
        """Call `on_progress` if there is one."""
        if self.on_progress is not None:
            self.on_progress(label, done, total)


class Source(Protocol):
    """A service that announces papers or counts attention."""

    @property
    def name(self) -> str:
        """The name in the settings, in the database and on the screen."""

    def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result per scope. A SourceError ends the iteration; results before it count."""


async def fetch_source(source: Source, context: FetchContext) -> list[FetchResult]:
    """Return the results of *source* with their unseen papers counted.

    Never raises SourceError: an error is returned as a result with health FAILED or CHANGED and a note, and
    so is a source that takes longer than MAX_FETCH_SECONDS.
    """
    results: list[FetchResult] = []
    try:
        with anyio.fail_after(MAX_FETCH_SECONDS):
            async for result in source.fetch(context):
                # Appended one by one: what came before an error is kept.
                results.append(count_unseen(clean_papers(result), context))  # noqa: PERF401
    except TimeoutError:
        error = SourceError(f"was not done within {MAX_FETCH_SECONDS // 60} minutes")
        results.append(failed_result(source.name, "", context.now, error))
    except SourceError as error:
        results.append(failed_result(source.name, "", context.now, error))
    except DigestError:
        raise
    except Exception as error:
        log.exception("source broke", extra={"source": source.name})
        results.append(failed_result(source.name, "", context.now, to_source_changed(error)))
    return results


def to_source_changed(error: Exception) -> SourceChanged:
    """Return the error to report for an unforeseen exception; the details are only in the log."""
    return SourceChanged(f"its answer holds something we cannot read ({type(error).__name__})")


def clean_papers(result: FetchResult) -> FetchResult:
    """Return *result* without control, bidi and invisible characters in any field of its papers.

    In links they are percent-encoded, as browsers do; ids have none (`canonicalize`).
    """
    return replace(result, papers=tuple(map(clean_paper, result.papers)))


def count_unseen(result: FetchResult, context: FetchContext) -> FetchResult:
    """Return *result* with `unseen` counted."""
    return replace(result, unseen=len(context.list_new([paper.id for paper in result.papers])))


def failed_result(source: str, scope: str, read_at: datetime, error: SourceError) -> FetchResult:
    """Return an empty result whose health and note describe *error*."""
    health = Health.CHANGED if isinstance(error, SourceChanged) else Health.FAILED
    return FetchResult(
        source=source, scope=scope, read_at=read_at, health=health, note=to_sentence(str(error))
    )


def add_note(result: FetchResult, note: str, **changes: Any) -> FetchResult:
    """Return *result* with *note* appended to its note, and other fields changed."""
    return replace(result, note=f"{result.note} {note}".strip(), **changes)


def to_sentence(text: str) -> str:
    """Return *text* on one line as a sentence: printable, a capital first, a full stop last."""
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    first = text.partition(" ")[0]
    is_name = any(char.isupper() for char in first[1:]) or "." in first[:-1]  # arXiv, or a host
    start = text[:1] if is_name else text[:1].upper()
    return start + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def announce(published: datetime | None, now: datetime, *, max_age: timedelta) -> Announcement:
    """Return REPLACE for a paper that is older than *max_age*: it is stored, but not announced as new."""
    is_old = published is not None and now - published > max_age
    return Announcement.REPLACE if is_old else Announcement.NEW


def conditional_headers(state: FetchState) -> dict[str, str]:
    """Return the headers by which a server may answer that nothing changed since *state*."""
    headers = {"If-None-Match": state.etag, "If-Modified-Since": state.last_modified}
    return {name: value for name, value in headers.items() if value}


def to_aliases(doi: str) -> tuple[str, ...]:
    """Return the canonical id of *doi* as the aliases of a paper; of the first, if there are several."""
    for form in (doi, *doi.split()):
        with suppress(ValueError):
            return (canonicalize(form),)
    return ()


def to_web_link(value: object) -> str:
    """Return *value* if it is an http or https link that may stand in a mail, else an empty string."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text.startswith(("https://", "http://")) and len(text) < 2000 and " " not in text else ""
