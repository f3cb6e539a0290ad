"""`digest explain`: why a paper was sent to a subscriber, will be sent, or will not."""

from dataclasses import asdict, dataclass
from datetime import datetime

import click

from digest.app.services import Services
from digest.cli.common import json_option, now_option, open_services
from digest.cli.output import echo, show_json
from digest.mail.locale import get_locale
from digest.mail.wording import describe_reason
from digest.models import Paper, Sent, Subscriber
from digest.models.paper_ids import parse_paper_id
from digest.models.schedule import get_current_slot, get_local_day
from digest.pipeline import day, plan
from digest.ranking.ranker import Ranking
from digest.ranking.selection import EXCLUSION_REASONS, find_thresholds
from digest.subscribers import get_subscriber

OUT_OF_POOL = "it is older than a week, withdrawn, or only a revision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Heat, affinity and rank of a paper for a reader, and the deciding rule. Field names are JSON keys."""

    paper: Paper
    verdict: str  # sent, chosen, or the first rule that stopped it
    sentence: str
    heat: float | None = None
    affinity: float | None = None
    probability: float | None = None  # that the reader wants it
    threshold: float | None = None  # the probability from which on this reader is given picks
    features: dict[str, dict[str, float]] | None = None  # of the probability, by topic that the reader typed
    rank: int | None = None  # among all candidates, by affinity
    of: int = 0


@click.command("explain", epilog="Example: digest explain ada@example.com 2611.01234")
@click.argument("address")
@click.argument("paper")
@now_option
@json_option
def command(*, address: str, paper: str, now: datetime, as_json: bool) -> None:
    """Explain why a PAPER (any form of its id or link) was sent to ADDRESS, will be sent, or was not."""
    with open_services() as services:
        explanation = explain(services, address, paper, now)
    if as_json:
        fields = {name: value for name, value in asdict(explanation).items() if name != "paper"}
        show_json({"paper": explanation.paper.id, "title": explanation.paper.title, **fields})
        return
    for line in format_explanation(explanation):
        echo(line)


def explain(services: Services, address: str, paper_id: str, now: datetime) -> Explanation:
    """Explain when and why a paper was sent, or what the reader's next edition does with it.

    *paper_id* may be any form of an id or a link.
    """
    reader, paper, sent = _load_records(services, address, paper_id)
    if sent is not None:
        return _explain_sent(services, reader, paper, sent)
    today = day.load_day(services.store, now, embedding_model=services.active_embedding_model)
    indices = {candidate.id: index for index, candidate in enumerate(today.candidates.papers)}
    if paper.id not in indices:
        return Explanation(paper=paper, verdict="out-of-pool", sentence=f"Not sent: {OUT_OF_POOL}.")
    return _explain_upcoming(services, today, reader, indices[paper.id])


def _load_records(services: Services, address: str, paper_id: str) -> tuple[Subscriber, Paper, Sent | None]:
    key = parse_paper_id(paper_id)
    with services.store.begin(write=False) as tx:
        reader = get_subscriber(tx, address)
        missing = f"{key} is not stored here. Search the stored papers: digest papers"
        paper = tx.papers.get(key, missing=missing)
        return reader, paper, tx.sent_papers.get_by_subscriber([reader.id])[reader.id].get(paper.id)


def _explain_sent(services: Services, reader: Subscriber, paper: Paper, sent: Sent) -> Explanation:
    """Explain with the reason the mail gave; of a mail that is no longer stored only the day is known."""
    edition = plan.load_planned_edition(services.store, reader, sent.day)
    pick = next((item for item in edition.picks if item.paper.id == paper.id), None) if edition else None
    reason = describe_reason(get_locale("en"), pick, sent.day) if pick else ""
    return Explanation(
        paper=paper,
        verdict="sent",
        sentence=f"It was in the digest of {sent.day}{': ' if reason else ''}{reason}.",
        heat=pick.heat.value if pick else None,
        affinity=pick.affinity if pick else None,
    )


def _explain_upcoming(
    services: Services, today: day.DayContext, reader: Subscriber, index: int
) -> Explanation:
    with services.store.begin(write=False) as tx:
        sent = tx.sent_papers.get_by_subscriber([reader.id], since=today.sent_since)
    slot = get_current_slot(reader.schedule, today.now)
    edition, chosen = next(today.build_editions([(reader, slot)], sent))
    paper = today.candidates.papers[index]
    ranking = today.ranker.rank([reader.profile])[0]
    affinity = ranking.affinity
    picks = {pick.paper.id: pick for pick in edition.picks}
    if paper.id in picks:
        reason = describe_reason(get_locale("en"), picks[paper.id], get_local_day(reader.schedule, slot))
        verdict, sentence = "chosen", f"It is in the digest of {edition.day}{': ' if reason else ''}{reason}."
    else:
        verdict = str(chosen.excluded[paper.id])
        sentence = f"Not sent: {EXCLUSION_REASONS.get(verdict, verdict)}."
    return Explanation(
        paper=paper,
        verdict=verdict,
        sentence=sentence,
        heat=today.candidates.heat[paper.id].value if paper.id in today.candidates.heat else None,
        affinity=float(affinity[index]),
        probability=float(ranking.probability[index]),
        features=_describe_features(ranking, index) or None,
        threshold=round(float(find_thresholds(ranking.chunk, [reader.preferences])[0]), 2),
        rank=int((affinity > affinity[index]).sum()) + 1,
        of=len(affinity),
    )


def _describe_features(ranking: Ranking, index: int) -> dict[str, dict[str, float]]:
    """Return what the probability of a paper is made of: by typed topic, and for all liked papers."""
    by_topic = ranking.evidence.describe(index) if ranking.evidence else {}
    by_liked = ranking.chunk.liked.describe(ranking.row, index)
    return {**by_topic, "liked papers": by_liked} if by_liked else by_topic


def format_explanation(explanation: Explanation) -> list[str]:
    """Return lines for people: the paper, the verdict, its affinity and its heat."""
    lines = [f"{explanation.paper.title} ({explanation.paper.id})", explanation.sentence]
    if explanation.affinity is not None:
        rank = f", no. {explanation.rank} of {explanation.of}" if explanation.rank else ""
        lines.append(f"Interest: {explanation.affinity:+.2f} standard deviations{rank}.")
    if explanation.probability is not None:
        threshold = f"; picked from {explanation.threshold:.2f} on" if explanation.threshold else ""
        lines.append(f"Wanted: with a probability of {explanation.probability:.2f}{threshold}.")
    for topic, features in (explanation.features or {}).items():
        values = ", ".join(f"{name} {value:.2f}" for name, value in features.items() if value)
        lines.append(f"  {topic}: {values or 'nothing'}")
    if explanation.heat is not None:
        lines.append(f"Heat: {explanation.heat:+.2f} doublings above a usual paper.")
    return lines
