"""Why was a paper sent to a reader, or not? The ledger's memory first, then today's choice."""

from digest.mail.locale import get_locale
from digest.mail.wording import why
from digest.models import Edition, Subscriber
from digest.web.context import WebContext

KEPT_OUT = {
    "sent": "It was sent before, and nothing comes twice.",
    "muted": "It holds a word that this reader never wants to see.",
    "old": "It was considered for an earlier digest already.",
    "below-threshold": "It is not near enough to be picked, and nearer papers filled what else is new.",
    "no-room": "Others were nearer, and the digest was full.",
}


def explained(ctx: WebContext, reader: Subscriber, asked: str) -> list[str]:
    """Sentences for the operator."""
    with ctx.services.store.begin(write=False) as tx:
        papers = tx.papers.by_ids([asked])
        sent = tx.sent.of([reader.id]).get(reader.id, {})
    if not papers:
        return ["No source has announced this paper to us."]
    paper = next(iter(papers.values()))
    told = [f"{paper.title} ({paper.id})."]
    if paper.withdrawn:
        told.append("It was withdrawn, and is not sent.")
    if paper.id in sent:
        told.append(f"It was sent on {sent[paper.id].day:%d %B %Y}.")
    edition, stopped = ctx.mornings.choice(reader, ctx.clock())
    return [*told, *_today(edition, paper.id, stopped.get(paper.id))]


def _today(edition: Edition, paper_id: str, stopped: str | None) -> list[str]:
    for pick in edition.picks:
        if pick.paper.id == paper_id:
            reason = why(get_locale("en"), pick, edition.day)
            numbers = f"heat {pick.heat.value:.2f}, affinity {pick.affinity:.2f}"
            return [f"Today's digest holds it under “{pick.section}”: {reason or 'new'} ({numbers})."]
    if stopped is None:
        return ["It is not among today's candidates: seen too long ago, or only revised."]
    return [f"Today's digest leaves it out. {KEPT_OUT.get(stopped, f'Rule: {stopped}.')}"]
