"""Which papers does the language model retell? Those of the editions just planned, within budget and time.

Nothing here can fail a mail: whatever goes wrong is a line in the log, and the source's own words stand.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import anyio

from digest.db import Database
from digest.models import Edition, Paper, Section
from digest.models.errors import SourceError
from digest.pipeline.plan import Watch
from digest.sources.llm import MOST, Model

log = logging.getLogger(__name__)

WITHIN = 25.0  # seconds that mail waits at most, once
RESTS = timedelta(hours=1)  # so long a model that failed is left alone
RESTING = "llm_rests_until"
SPENT = "llm_spent"  # the day, and how many papers were asked about on it


class SummaryRequest:
    """Looks at editions as they are planned and counts whose sentence is wanted most."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._readers: Counter[str] = Counter()

    def __call__(self, edition: Edition) -> None:
        """One more edition; whoever else is watching sees it too."""
        self._watch(edition)
        self._readers.update(p.paper.id for p in edition.picks if p.section is not Section.ALSO_NEW)

    @property
    def ids(self) -> Sequence[str]:
        """The papers that are printed with a sentence, most read first."""
        return [known for known, _ in self._readers.most_common()]


async def retell(
    store: Database, model: Model | None, ids: Sequence[str], now: datetime, *, within: float = WITHIN
) -> int:
    """Ask about what nobody has asked about yet, and keep it; the number of papers that got a sentence."""
    if model is None or not ids:
        return 0
    papers = _take_budget(store, model, ids, now)
    told: dict[str, str] = {}
    if papers and not await _ask(model, papers, told, within):
        with store.begin() as tx:
            tx.meta.write(RESTING, (now + RESTS).isoformat())
    if told:
        with store.begin() as tx:
            tx.papers.retell(told, at=now)
    return len(told)


def _take_budget(store: Database, model: Model, ids: Sequence[str], now: datetime) -> Sequence[Paper]:
    """The papers to ask about now, already counted: a crash must not make it cost twice."""
    with store.begin() as tx:
        resting = tx.meta.read(RESTING)
        if resting and now < datetime.fromisoformat(resting):
            return []
        day, _, spent = tx.meta.read(SPENT).partition(" ")
        left = max(0, model.budget - (int(spent) if day == f"{now:%Y-%m-%d}" else 0))
        known = tx.papers.by_ids(ids) if left else {}
        papers = [known[one] for one in ids if one in known and not known[one].retold][:left]
        tx.meta.write(SPENT, f"{now:%Y-%m-%d} {model.budget - left + len(papers)}")
    return papers


async def _ask(model: Model, papers: Sequence[Paper], told: dict[str, str], within: float) -> bool:
    """Put the questions one after the other into `told`; False when the model failed or was too slow."""
    try:
        with anyio.fail_after(within):
            async with model.connect() as client:
                for start in range(0, len(papers), MOST):
                    told |= await model.tell(client, papers[start : start + MOST])
    except (SourceError, TimeoutError) as error:
        reason = str(error) or f"no answer within {within:g} s"
        log.warning("model failed", extra={"reason": reason, "told": len(told)})
        return False
    log.info("papers retold", extra={"asked": len(papers), "told": len(told)})
    return True
