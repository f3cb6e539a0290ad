"""Reasons why a due reader got no mail, by the product's own records."""

from datetime import date, datetime

from digest.app.services import Services
from digest.models import Subscriber
from digest.models.arxiv_calendar import get_arxiv_day, get_silence_reason
from digest.pipeline.day import CANDIDATE_WINDOW

UNEXPLAINED = "UNEXPLAINED"


def explain_missing_mail(
    services: Services,
    reader: Subscriber,
    slot: tuple[date, datetime] | None,
    *,
    now: datetime,
    holiday: date | None,
) -> str:
    """Return the reason in words, empty if the mail was planned; UNEXPLAINED if no reason is found."""
    if slot is None:
        return f"{UNEXPLAINED}: due too long ago"
    with services.store.begin(write=False) as tx:
        delivery = tx.deliveries.find_by_key(f"digest/{slot[0]}/{reader.id}")
        news = [
            paper
            for paper in tx.papers.list_candidates(now - CANDIDATE_WINDOW, now)
            if _is_news(paper.first_seen, reader.cursor)
        ]
    if delivery is not None:
        return ""
    if news:
        return f"{UNEXPLAINED}: {len(news)} new papers but no email"
    fallback = (
        "arXiv had an unexpected holiday" if get_arxiv_day(now) == holiday else "no source had new papers"
    )
    return f"nothing new: {get_silence_reason(get_arxiv_day(now)) or fallback}"


def _is_news(first_seen: datetime | None, cursor: datetime | None) -> bool:
    return cursor is None or first_seen is None or first_seen > cursor
