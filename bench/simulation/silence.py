"""Why did somebody who was due get nothing? Asked of the product's own books, checked against its papers."""

from datetime import date, datetime

from digest.app.services import Services
from digest.models import Subscriber
from digest.models.arxiv_calendar import arxiv_day, arxiv_silence
from digest.pipeline.day import POOL

LOST = "UNEXPLAINED"


def reason_for(
    services: Services,
    reader: Subscriber,
    slot: tuple[date, datetime] | None,
    *,
    now: datetime,
    holiday: date | None,
) -> str:
    """The reason in words, empty when the mail was made; UNEXPLAINED where there is none."""
    if slot is None:
        return f"{LOST}: due too long ago"
    with services.store.begin(write=False) as tx:
        made = tx.deliveries.by_key(f"digest/{reader.id}/{slot[0]}")
        news = [p for p in tx.papers.pool(now - POOL, now) if _is_news(p.first_seen, reader.cursor)]
    if made is not None:
        return ""
    if news:
        return f"{LOST}: {len(news)} new papers and no mail"
    unknown = "arXiv kept a holiday nobody knew of" if arxiv_day(now) == holiday else "no source had any"
    return f"nothing new: {arxiv_silence(arxiv_day(now)) or unknown}"


def _is_news(seen: datetime | None, cursor: datetime | None) -> bool:
    return cursor is None or seen is None or seen > cursor
