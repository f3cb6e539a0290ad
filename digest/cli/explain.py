"""`digest explain`: why a paper was sent to a subscriber, or was not."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time
from typing import Any

import click

from digest.app.services import Services
from digest.cli.common import clock, json_option, now_option, open_services
from digest.cli.output import show_json
from digest.cli.subscribers.common import plain
from digest.mail.locale import get_locale
from digest.mail.wording import why
from digest.models import Paper, Sent, Subscriber
from digest.models.errors import InvalidChange, NotFound
from digest.models.paper_ids import canonical
from digest.models.schedule import due_slot, local_day, next_slot, zone_of
from digest.pipeline import day, plan
from digest.ranking.selection import THRESHOLDS
from digest.subscribers import get_subscriber

RULES = {
    "sent": "it was sent before, and no paper is sent twice",
    "muted": "it has one of the reader's muted words",
    "old": "it was there at the last digest already, and not near enough then either",
    "below-threshold": "it is not near enough to be picked, and nearer papers filled what else is new",
    "no-room": "other papers were nearer or hotter, and the digest is short",
    "out-of-pool": "it is older than a week, withdrawn, or only a revision",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Both numbers of a paper for a reader, its place, and the rule that decided."""

    paper: Paper
    verdict: str  # sent, chosen, or the first rule that stopped it
    sentence: str
    heat: float | None = None
    affinity: float | None = None
    threshold: float | None = None  # affinity from which on this reader is given picks
    rank: int | None = None  # among all candidates, by affinity
    of: int = 0


@click.command("explain", epilog="Example: digest explain ada@example.com 2611.01234")
@click.argument("address")
@click.argument("paper")
@now_option
@json_option
def command(*, address: str, paper: str, now: datetime | None, as_json: bool) -> None:
    """Why a PAPER (any form of its id or link) was sent to ADDRESS, is going to be, or is not."""
    with open_services() as services:
        told = explanation(services, address, paper, clock(now))
    if as_json:
        show_json(answer_json(told))
        return
    for line in in_words(told):
        click.echo(line)


def explanation(services: Services, address: str, paper: str, now: datetime) -> Explanation:
    """What the reader's next edition makes of a paper, or when it was sent."""
    reader, found, sent = _asked(services, address, paper)
    if sent is not None:
        return _remembered(services, reader, found, sent)
    today = day.morning(services.store, now, vectors=services.vectors)
    places = {each.id: place for place, each in enumerate(today.candidates.papers)}
    if found.id not in places:
        return Explanation(paper=found, verdict="out-of-pool", sentence=f"Not sent: {RULES['out-of-pool']}.")
    return _compared(services, today, reader, places[found.id])


def _asked(services: Services, address: str, paper: str) -> tuple[Subscriber, Paper, Sent | None]:
    try:
        key = canonical(paper)
    except ValueError as error:
        raise InvalidChange(
            f"{paper!r} is not a paper id; write one like 2611.01234 or a link to it."
        ) from error
    with services.store.begin(write=False) as tx:
        reader = get_subscriber(tx, address)
        found = tx.papers.by_ids([key]).get(key)
        if found is None:
            raise NotFound(f"We never saw {key}; `digest papers` searches what we hold.")
        return reader, found, tx.sent.of([reader.id])[reader.id].get(found.id)


def _remembered(services: Services, reader: Subscriber, paper: Paper, sent: Sent) -> Explanation:
    """When it was sent and why, as the mail said; a mail of long ago has left its day alone."""
    noon = datetime.combine(sent.day, time(12), zone_of(reader.schedule.timezone)).astimezone(UTC)
    edition = plan.recall(services.store, reader, noon)
    pick = next((each for each in edition.picks if each.paper.id == paper.id), None) if edition else None
    reason = why(get_locale("en"), pick, sent.day) if pick else ""
    return Explanation(
        paper=paper,
        verdict="sent",
        sentence=f"It was in the digest of {sent.day}{': ' if reason else ''}{reason}.",
        heat=pick.heat.value if pick else None,
        affinity=pick.affinity if pick else None,
    )


def _compared(services: Services, today: day.DayContext, reader: Subscriber, place: int) -> Explanation:
    with services.store.begin(write=False) as tx:
        sent = tx.sent.of([reader.id])
    due = due_slot(reader.schedule, today.now)
    slot = due[1] if due else next_slot(reader.schedule, today.now)
    edition, chosen = next(today.editions([(reader, slot)], sent))
    paper = today.candidates.papers[place]
    affinity = today.ranker.rank([reader.profile])[0].affinity
    picks = {pick.paper.id: pick for pick in edition.picks}
    if paper.id in picks:
        reason = why(get_locale("en"), picks[paper.id], local_day(reader.schedule, slot))
        verdict, sentence = "chosen", f"It is in the digest of {edition.day}{': ' if reason else ''}{reason}."
    else:
        verdict = str(chosen.stopped[paper.id])
        sentence = f"Not sent: {RULES.get(verdict, verdict)}."
    return Explanation(
        paper=paper,
        verdict=verdict,
        sentence=sentence,
        heat=today.candidates.heat[paper.id].value if paper.id in today.candidates.heat else None,
        affinity=float(affinity[place]),
        threshold=THRESHOLDS[reader.preferences.threshold],
        rank=int((affinity > affinity[place]).sum()) + 1,
        of=len(affinity),
    )


def in_words(told: Explanation) -> list[str]:
    """The explanation for people: the paper, the verdict, both numbers."""
    said = [f"{told.paper.title} ({told.paper.id})", told.sentence]
    if told.affinity is not None:
        place = f", no. {told.rank} of {told.of}" if told.rank else ""
        needed = f"; picked from {told.threshold:+.1f} on" if told.threshold else ""
        said.append(f"Interest: {told.affinity:+.2f} standard deviations{place}{needed}.")
    if told.heat is not None:
        said.append(f"Heat: {told.heat:+.2f} doublings above a usual paper.")
    return said


def answer_json(told: Explanation) -> dict[str, Any]:
    """The explanation as programs read it."""
    fields = {name: value for name, value in asdict(told).items() if name != "paper"}
    return {"paper": told.paper.id, "title": told.paper.title, **plain(fields)}
