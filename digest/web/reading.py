"""What can anyone read? Today's trending papers, the search, the archive and the help."""

from datetime import UTC, date, datetime, time, timedelta

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from digest.cadence import arxiv_silence
from digest.compose.tongue import tongue
from digest.errors import NotFound
from digest.rank.trending import heat_of
from digest.web.board import TODAY, WINDOWS, Ranked, next_month
from digest.web.cards import Card, card_of
from digest.web.desk import AtDesk

SHOWN = 25  # papers on a page
LONGEST_QUERY = 200
FARTHEST = 200  # pages of search results
PERIODS = {"day": 2, "week": 7, "month": 31, "year": 366}

router = APIRouter(include_in_schema=False)


@router.get("/")
def front(desk: AtDesk, window: str = TODAY.name) -> Response:
    """Trending papers, the search box and the subscribe box."""
    now = desk.clock()
    period = WINDOWS.get(window, TODAY)
    cards = cards_of(desk.board.trending(period, now)[:SHOWN], now.date())
    titles = "; ".join(card.title for card in cards[:3])
    return desk.pages.page(
        "front",
        here="/",
        window=period,
        windows=WINDOWS.values(),
        cards=cards,
        day_name=tongue("en").day(now.date()),
        description=f"{desk.house.site.brand}, once a day in your inbox. {period.tab}: {titles}."[:300],
        ticket=desk.tickets.issue(now),
    )


@router.get("/papers")
def papers(  # noqa: PLR0913  one parameter for each field of the search form
    desk: AtDesk, q: str = "", category: str = "", period: str = "", source: str = "", page: int = 1
) -> Response:
    """Search titles and abstracts."""
    now = desk.clock()
    asked, place = q.strip()[:LONGEST_QUERY], min(max(page, 1), FARTHEST)
    since = now - timedelta(days=PERIODS[period]) if period in PERIODS else None
    with desk.house.store.begin(write=False) as tx:
        found = tx.papers.search(
            asked,
            categories=[category] if category else [],
            since=since,
            source=source or None,
            limit=SHOWN + 1,
            offset=(place - 1) * SHOWN,
        )
        signals = tx.signals.of([paper.id for paper in found], until=now)
    voted = [paper for paper in found if paper.id in signals]
    heat = heat_of(voted, signals, now)
    return desk.pages.page(
        "search",
        here="/papers",
        asked=asked,
        chosen={"category": category, "period": period, "source": source},
        sources=desk.house.settings.sources,
        cards=[card_of(paper, heat.get(paper.id), day=now.date()) for paper in found[:SHOWN]],
        place=place,
        more=len(found) > SHOWN,
        ticket=desk.tickets.issue(now),
    )


@router.get("/archive")
def archive(desk: AtDesk, month: str = "") -> Response:
    """The days of a month and how many papers each brought."""
    now = desk.clock()
    start = _month(month) if month else now.date().replace(day=1)
    after = next_month(datetime.combine(start, time(), UTC)).date()
    days = desk.board.days(start, now)
    speech = tongue("en")
    return desk.pages.page(
        "archive",
        here="/archive",
        month=f"{start:%B %Y}",
        days=[(day, speech.day(day), days[day], arxiv_silence(day)) for day in sorted(days, reverse=True)],
        before=f"/archive?month={start - timedelta(days=1):%Y-%m}",
        after=f"/archive?month={after:%Y-%m}" if after <= now.date() else "",
    )


@router.get("/archive/{day}")
def archived(desk: AtDesk, day: str) -> Response:
    """What trended on a day."""
    now = desk.clock()
    wanted = _day(day)
    if wanted > now.date():
        raise NotFound("That day has not come yet.")
    cards = cards_of(desk.board.on(wanted, now)[:SHOWN], wanted)
    tomorrow = wanted + timedelta(days=1)
    return desk.pages.page(
        "archive_day",
        here="/archive",
        day=wanted,
        day_name=tongue("en").day(wanted),
        cards=cards,
        before=f"/archive/{wanted - timedelta(days=1)}",
        after=f"/archive/{tomorrow}" if tomorrow <= now.date() else "",
        ticket=desk.tickets.issue(now),
    )


@router.get("/help")
def help_page(desk: AtDesk) -> Response:
    """How it works, what is stored, and how to leave."""
    return desk.pages.page("help", here="/help")


@router.get("/style.css")
@router.get("/work.js")
@router.get("/favicon.svg")
def file(desk: AtDesk, request: Request) -> Response:
    """One of our own files; its address carries its version, so it may be kept for ever."""
    content, kind = desk.pages.file(request.url.path.removeprefix("/"))
    kept = "public, max-age=31536000, immutable" if request.url.query else "public, max-age=3600"
    return Response(content, media_type=kind, headers={"cache-control": kept})


@router.get("/favicon.ico")
def old_favicon() -> Response:
    """Where old browsers look for it."""
    return RedirectResponse("/favicon.svg", status_code=308)


def cards_of(ranked: tuple[Ranked, ...], day: date) -> list[Card]:
    """The cards of a public list."""
    return [card_of(each.paper, each.heat, day=day) for each in ranked]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise NotFound("A day of the archive is written like 2026-11-23.") from error


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise NotFound("A month of the archive is written like 2026-11.") from error
