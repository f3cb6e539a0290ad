"""What can anyone read? Today's trending papers, the search, the archive and the help."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, field_validator
from starlette.responses import RedirectResponse, Response

from digest.mail.cards import Card
from digest.mail.locale import get_locale
from digest.models import Heat
from digest.models.arxiv_calendar import arxiv_silence
from digest.models.errors import NotFound
from digest.models.papers import Match
from digest.models.text import clean, shorten
from digest.web.components import card_of
from digest.web.context import WebContextDep
from digest.web.search import SHOWN, answers, question_of
from digest.web.trending_lists import TODAY, WINDOWS, Ranked, next_month

LONGEST_QUERY = 200
FARTHEST = 200  # pages of search results
DESCRIBED = 300  # characters under a shared link
EVERYTHING = "Search the titles, abstracts and authors of all papers."
BY_MEANING = "By meaning"
PERIODS = {"day": 2, "week": 7, "month": 31, "year": 366}

router = APIRouter(include_in_schema=False)


@router.get("/")
def front(ctx: WebContextDep, window: str = TODAY.name) -> Response:
    """Trending papers, the search box and the subscribe box."""
    now = ctx.clock()
    period = WINDOWS.get(window, TODAY)
    cards = cards_of(ctx.board.trending(period, now)[:SHOWN], now.date())
    longer = [each for each in WINDOWS.values() if each.days > period.days] if not cards else []
    return ctx.pages.page(
        "front",
        here="/",
        window=period,
        instead=next((each for each in longer if ctx.board.trending(each, now)), None),
        windows=WINDOWS.values(),
        cards=cards,
        day_name=get_locale("en").day(now.date()),
        description=shorten(f"{period.tab}: {_titles(cards)} Once a day in your inbox.", DESCRIBED),
        ticket=ctx.tickets.issue(now),
    )


class SearchQuery(BaseModel):
    """The search form."""

    q: str = ""
    category: str = ""
    period: str = ""
    source: str = ""
    page: int = 1

    @field_validator("q", "category", "period", "source")
    @classmethod
    def _sensible(cls, value: str) -> str:
        return clean(value)[:LONGEST_QUERY]

    @property
    def words(self) -> str:
        """What is looked for."""
        return self.q.strip()

    @property
    def path(self) -> str:
        """Where the words alone are looked for."""
        return f"/papers?{urlencode({'q': self.words})}" if self.words else "/papers"

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the words narrows the search."""
        return bool(self.category or self.period or self.source)

    @property
    def place(self) -> int:
        """The page of results, within reason."""
        return min(max(self.page, 1), FARTHEST)


@router.get("/papers")
def papers(ctx: WebContextDep, request: Request, asked: Annotated[SearchQuery, Query()]) -> Response:
    """Search titles and abstracts."""
    now = ctx.clock()
    question = question_of(asked.words, asked.category, PERIODS.get(asked.period), asked.source, now)
    matches, heat = answers(ctx, asked.words, question, now, first=(asked.place - 1) * SHOWN)
    found = [match.paper for match in matches]
    return ctx.pages.page(
        "search",
        here="/papers",
        asked=asked.words,
        chosen=asked,
        sources=ctx.services.settings.sources,
        cards=[_found(match, heat.get(match.paper.id), now.date()) for match in matches[:SHOWN]],
        only_by_meaning=all(match.is_by_meaning for match in matches),
        description=shorten("; ".join(paper.title for paper in found[:3]) or EVERYTHING, DESCRIBED),
        path=asked.path,
        unfiltered=asked.path if asked.is_filtered else "",
        before=_page(request, asked.place - 1) if asked.place > 1 else "",
        after=_page(request, asked.place + 1) if len(found) > SHOWN else "",
        ticket=ctx.tickets.issue(now),
    )


def _found(match: Match, heat: Heat | None, day: date) -> Card:
    """A paper of a search, which says so when it was found without the words."""
    card = card_of(match.paper, heat, day=day)
    told = (BY_MEANING, card.meta) if match.is_by_meaning else (card.meta,)
    return replace(card, meta=" · ".join(filter(None, told)))


@router.get("/archive")
def archive(ctx: WebContextDep, month: str = "") -> Response:
    """The days of a month and how many papers each brought."""
    now = ctx.clock()
    start = _month(month) if month else now.date().replace(day=1)
    after = next_month(datetime.combine(start, time(), UTC)).date()
    days = ctx.board.days(start, now)
    speech = get_locale("en")
    return ctx.pages.page(
        "archive",
        here="/archive",
        month=f"{start:%B %Y}",
        path=f"/archive?month={start:%Y-%m}",
        days=[(day, speech.day(day), days[day], arxiv_silence(day)) for day in sorted(days, reverse=True)],
        before=f"/archive?month={start - timedelta(days=1):%Y-%m}",
        after=f"/archive?month={after:%Y-%m}" if after <= now.date() else "",
    )


@router.get("/archive/{day}")
def archived(ctx: WebContextDep, day: str) -> Response:
    """What trended on a day."""
    now = ctx.clock()
    wanted = _day(day)
    if wanted > now.date():
        raise NotFound("That day has not come yet.")
    ranked = ctx.board.on(wanted, now)
    cards = cards_of(ranked[:SHOWN], wanted)
    tomorrow = wanted + timedelta(days=1)
    return ctx.pages.page(
        "archive_day",
        here="/archive",
        day=wanted,
        day_name=get_locale("en").day(wanted),
        cards=cards,
        ranked=len(ranked),
        description=shorten(f"{_titles(cards)} What trended that day, and why.", DESCRIBED),
        before=f"/archive/{wanted - timedelta(days=1)}",
        after=f"/archive/{tomorrow}" if tomorrow <= now.date() else "",
        ticket=ctx.tickets.issue(now),
    )


@router.get("/help")
def help_page(ctx: WebContextDep) -> Response:
    """How it works, what is stored, and how to leave."""
    return ctx.pages.page("help", here="/help")


@router.get("/style.css")
@router.get("/work.js")
@router.get("/opened.js")
@router.get("/favicon.svg")
@router.get("/card.png")
def file(ctx: WebContextDep, request: Request) -> Response:
    """One of our own files; its address carries its version, so it may be kept for ever."""
    content, kind = ctx.pages.file(request.url.path.removeprefix("/"))
    kept = "public, max-age=31536000, immutable" if request.url.query else "public, max-age=3600"
    headers = {"cache-control": kept}
    if kind == "image/png":  # shown by other sites, beside a link to us
        headers["cross-origin-resource-policy"] = "cross-origin"
    return Response(content, media_type=kind, headers=headers)


@router.get("/favicon.ico")
def old_favicon() -> Response:
    """Where old browsers look for it."""
    return RedirectResponse("/favicon.svg", status_code=308)


def _titles(cards: Sequence[Card]) -> str:
    """What a list holds, for those who see it announced elsewhere."""
    return "; ".join(shorten(card.title, 90) for card in cards[:3]) + "." if cards else ""


def cards_of(ranked: tuple[Ranked, ...], day: date) -> list[Card]:
    """The cards of a public list."""
    return [card_of(each.paper, each.heat, day=day, readings=each.readings) for each in ranked]


def _page(request: Request, place: int) -> str:
    return f"/papers?{request.url.include_query_params(page=place).query}"


def _day(text: str) -> date:
    try:
        return _in_our_time(date.fromisoformat(text))
    except ValueError as error:
        raise NotFound("A day of the archive is written like 2026-11-23.") from error


def _month(text: str) -> date:
    try:
        return _in_our_time(datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date())
    except ValueError as error:
        raise NotFound("A month of the archive is written like 2026-11.") from error


def _in_our_time(day: date) -> date:
    """The same day; ValueError where its neighbours, or its moments elsewhere, would leave the calendar."""
    if not date.min.year < day.year < date.max.year:
        raise ValueError(day)
    return day
