"""One-sentence summaries by a language model, for the papers of editions just planned.

Bounded by a daily budget and a time limit. Nothing here can fail a message: an error becomes a line in the
log, and the paper keeps the sentence chosen from its abstract.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import anyio

from digest.db import Database
from digest.models import Edition, Paper, Section
from digest.models.errors import SourceError
from digest.pipeline.plan import EditionCallback
from digest.sources.llm import MAX_PAPERS_PER_REQUEST, LanguageModel

log = logging.getLogger(__name__)

MAX_SECONDS = 25.0  # by which a run's mail is delayed at most
PAUSE_AFTER_FAILURE = timedelta(hours=1)
PAUSED_UNTIL_KEY = "llm_rests_until"  # meta key
SPENT_KEY = "llm_spent"  # meta key: the UTC day, and how many papers were asked about on it


class SummaryCandidates:
    """An edition callback that counts in how many editions each paper is printed with a sentence."""

    def __init__(self, on_edition: EditionCallback | None = None) -> None:
        self._on_edition = on_edition
        self._readers: Counter[str] = Counter()

    def __call__(self, edition: Edition) -> None:
        """Count the papers of one more edition, and pass it on."""
        if self._on_edition:
            self._on_edition(edition)
        self._readers.update(p.paper.id for p in edition.picks if p.section is not Section.ALSO_NEW)

    @property
    def paper_ids(self) -> Sequence[str]:
        """The papers that are printed with a sentence, most read first."""
        return [paper_id for paper_id, _ in self._readers.most_common()]


async def summarize_papers(
    store: Database,
    model: LanguageModel | None,
    ids: Sequence[str],
    now: datetime,
    *,
    timeout: float = MAX_SECONDS,  # noqa: ASYNC109  the budget of all requests together
) -> int:
    """Ask *model* about papers that have no summary yet and store the answers; return how many got one."""
    if model is None or not ids:
        return 0
    papers = _take_budget(store, model, ids, now)
    summaries: dict[str, str] = {}
    if papers and not await _collect_summaries(model, papers, summaries, timeout):
        with store.begin() as tx:
            tx.meta.write(PAUSED_UNTIL_KEY, (now + PAUSE_AFTER_FAILURE).isoformat())
    if summaries:
        with store.begin() as tx:
            tx.papers.save_retold(summaries, at=now)
    return len(summaries)


def _take_budget(store: Database, model: LanguageModel, ids: Sequence[str], now: datetime) -> Sequence[Paper]:
    """Return the papers to ask about now. They are counted first: a crash must not spend the budget twice."""
    with store.begin() as tx:
        paused_until = tx.meta.read(PAUSED_UNTIL_KEY)
        if paused_until and now < datetime.fromisoformat(paused_until):
            return []
        day, _, spent = tx.meta.read(SPENT_KEY).partition(" ")
        left = max(0, model.max_papers_per_day - (int(spent) if day == f"{now:%Y-%m-%d}" else 0))
        stored = tx.papers.get_by_ids(ids) if left else {}
        papers = [stored[id_] for id_ in ids if id_ in stored and not stored[id_].retold][:left]
        tx.meta.write(SPENT_KEY, f"{now:%Y-%m-%d} {model.max_papers_per_day - left + len(papers)}")
    return papers


async def _collect_summaries(
    model: LanguageModel, papers: Sequence[Paper], summaries: dict[str, str], limit: float
) -> bool:
    """Ask batch by batch and put the answers into *summaries*; return False on failure or timeout.

    What was answered before a failure stays.
    """
    try:
        with anyio.fail_after(limit):
            async with model.open_client() as client:
                for start in range(0, len(papers), MAX_PAPERS_PER_REQUEST):
                    summaries |= await model.summarize(client, papers[start : start + MAX_PAPERS_PER_REQUEST])
    except (SourceError, TimeoutError) as error:
        reason = str(error) or f"no answer within {limit:g} s"
        log.warning("model failed", extra={"reason": reason, "told": len(summaries)})
        return False
    log.info("papers retold", extra={"asked": len(papers), "told": len(summaries)})
    return True
