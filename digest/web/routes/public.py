"""The public pages: trending papers, search, archive, help and static files."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from unicodedata import combining, normalize
from urllib.parse import urlencode

from fastapi import Query, Request
from pydantic import BaseModel, field_validator
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from digest.db import Database
from digest.db.papers.full_text import PaperQuery
from digest.mail.cards import Card
from digest.mail.layout import format_notes
from digest.mail.locale import gettext_noop
from digest.models import Heat, Preferences, Profile, Section, Subscriber
from digest.models.arxiv_calendar import get_silence_reason
from digest.models.errors import NotFound
from digest.models.papers import Match
from digest.models.text import clean, shorten, split_list
from digest.pipeline.day import SOURCES_WITHOUT_PAPERS, get_day_notes
from digest.sources.config import get_source_title
from digest.web.components import build_public_card
from digest.web.context import WebContext, WebContextDep
from digest.web.languages import get_page_locale, gettext
from digest.web.previews import build_sections
from digest.web.routing import create_router
from digest.web.search import PAGE_SIZE, build_query, run_search
from digest.web.signup_form import SCRIPTS, build_signup_fields
from digest.web.templates import STATIC_FILES
from digest.web.trending_lists import TODAY, WINDOWS, RankedPaper, next_month

MAX_QUERY_CHARS = 200
MAX_PAGE = 200  # pages of search results
MAX_DESCRIPTION_CHARS = 300  # of the description of a shared link
MAX_INTERESTS_CHARS = 300  # of a sample
MAX_SAMPLE_KEYWORDS = 10
EXAMPLE_INTERESTS = "diffusion models, robotics"
MAX_NAME_CHARS = 100  # of the beginning of an author's name
MAX_NAMES = 8  # of authors that are suggested
MAX_AUTHOR_MATCHES = 100  # papers whose authors are looked at
MIN_NAME_CHARS = 2
_WORD = re.compile(r"[^\W_]+")
PERIOD_DAYS = {"day": 2, "week": 7, "month": 31, "year": 366}

router = create_router(include_in_schema=False)


@router.get("/")
def show_front_page(ctx: WebContextDep, window: str = TODAY.name) -> Response:
    """Show the trending papers, the search box and the sign-up form."""
    now, locale = ctx.clock(), get_page_locale()
    period = WINDOWS.get(window, TODAY)
    cards = build_cards(ctx.trending_lists.trending(period, now)[:PAGE_SIZE], now.date())
    longer = [other for other in WINDOWS.values() if other.days > period.days] if not cards else []
    return ctx.pages.render(
        "front",
        scripts=SCRIPTS,
        window=period,
        instead=next((other for other in longer if ctx.trending_lists.trending(other, now)), None),
        windows=WINDOWS.values(),
        cards=cards,
        notes="" if cards else _explain_missing_papers(ctx, now),
        day_name=locale.format_day(now.date()),
        description=_describe_list(cards, locale.gettext("Once a day in your inbox.")),
        signup=build_signup_fields(ctx, with_categories=True),
    )


def _explain_missing_papers(ctx: WebContext, now: datetime) -> str:
    """Return why there may be no new papers: arXiv announces nothing today, or sources cannot be read."""
    with ctx.services.store.begin(write=False) as tx:
        notes = get_day_notes(tx.sources.list_latest(), now)
    return " ".join(format_notes(get_page_locale(), notes))


class SearchQuery(BaseModel):
    """The search form."""

    q: str = ""
    category: str = ""
    period: str = ""
    source: str = ""
    page: int = 1

    @field_validator("q", "category", "period", "source")
    @classmethod
    def _clean(cls, value: str) -> str:
        return clean(value)[:MAX_QUERY_CHARS]

    @property
    def words(self) -> str:
        """The words to search for."""
        return self.q.strip()

    @property
    def path(self) -> str:
        """The URL of a search for the words alone, without filters."""
        return f"/papers?{urlencode({'q': self.words})}" if self.words else "/papers"

    @property
    def page_number(self) -> int:
        """The page of results, from 1 to MAX_PAGE."""
        return min(max(self.page, 1), MAX_PAGE)


@router.get("/papers")
def search_papers(ctx: WebContextDep, request: Request, query: Annotated[SearchQuery, Query()]) -> Response:
    """Search titles, abstracts and authors."""
    now = ctx.clock()
    search_query = build_query(query.words, query.category, PERIOD_DAYS.get(query.period), query.source, now)
    matches, heat = run_search(ctx, query.words, search_query, now, first=(query.page_number - 1) * PAGE_SIZE)
    papers = [match.paper for match in matches]
    return ctx.pages.render(
        "search",
        scripts=SCRIPTS,
        words=query.words,
        query=query,
        sources=[
            (name, get_source_title(name))
            for name in ctx.services.source_config.enabled
            if name not in SOURCES_WITHOUT_PAPERS
        ],
        cards=[
            _build_result_card(match, heat.get(match.paper.id), now.date()) for match in matches[:PAGE_SIZE]
        ],
        only_by_meaning=all(match.is_semantic for match in matches),
        description=shorten(
            "; ".join(paper.title for paper in papers[:3])
            or gettext("Search the titles, abstracts and authors of all papers."),
            MAX_DESCRIPTION_CHARS,
        ),
        path=query.path,
        unfiltered=query.path if query.category or query.period or query.source else "",
        before=_page_url(request, query.page_number - 1) if query.page_number > 1 else "",
        after=_page_url(request, query.page_number + 1) if len(papers) > PAGE_SIZE else "",
        signup=build_signup_fields(ctx),
    )


def _build_result_card(match: Match, heat: Heat | None, day: date) -> Card:
    """Return the card of a search result; it says so if the paper was found by meaning."""
    card = build_public_card(match.paper, heat, day=day)
    parts = (gettext("By meaning"), card.meta) if match.is_semantic else (card.meta,)
    return replace(card, meta=" · ".join(filter(None, parts)))


@router.get("/archive")
def show_archive(ctx: WebContextDep, month: str = "") -> Response:
    """Show the days of a month and the number of papers of each."""
    now = ctx.clock()
    start = _parse_month(month) if month else now.date().replace(day=1)
    after = next_month(datetime.combine(start, time(), UTC)).date()
    days = ctx.trending_lists.count_by_day(start, now)
    locale = get_page_locale()
    return ctx.pages.render(
        "archive",
        month=locale.format_month(start),
        path=f"/archive?month={start:%Y-%m}",
        days=[
            (day, locale.format_day(day), _describe_day(day, days[day])) for day in sorted(days, reverse=True)
        ],
        before=f"/archive?month={start - timedelta(days=1):%Y-%m}" if _has_earlier(ctx, start) else "",
        after=f"/archive?month={after:%Y-%m}" if after <= now.date() else "",
    )


def _has_earlier(ctx: WebContext, day: date) -> bool:
    """Return whether papers of an earlier day are stored: visitors and robots need not go on."""
    with ctx.services.store.begin(write=False) as tx:
        oldest = tx.papers.find_oldest()
    return oldest is not None and oldest.date() < day


def _describe_day(day: date, count: int) -> str:
    """Return how many papers there are of a day, and why there may be none."""
    locale, silence = get_page_locale(), get_silence_reason(day)
    papers = locale.format_count("%(count)s paper", "%(count)s papers", count)
    if not silence:
        return papers
    why = locale.gettext("weekend") if silence == "weekend" else locale.gettext("holiday in the USA")
    return f"{papers} · {why}"


@router.get("/archive/{day}")
def show_archive_day(ctx: WebContextDep, day: str) -> Response:
    """Show what trended on a day."""
    now = ctx.clock()
    archive_day = _parse_day(day)
    if archive_day > now.date():
        raise NotFound("That day has not come yet.")
    ranked = ctx.trending_lists.for_day(archive_day, now)
    cards = build_cards(ranked[:PAGE_SIZE], archive_day)
    tomorrow = archive_day + timedelta(days=1)
    return ctx.pages.render(
        "archive_day",
        scripts=SCRIPTS,
        day=archive_day,
        day_name=get_page_locale().format_day(archive_day),
        cards=cards,
        has_more=len(ranked) > len(cards),
        is_over=archive_day < now.date(),
        description=_describe_list(cards, gettext("What trended that day, and why.")),
        before=f"/archive/{archive_day - timedelta(days=1)}" if _has_earlier(ctx, archive_day) else "",
        after=f"/archive/{tomorrow}" if tomorrow <= now.date() else "",
        signup=build_signup_fields(ctx),
    )


@router.get("/sample")
def show_sample(request: Request, ctx: WebContextDep, interests: str = "") -> Response:
    """Show the digest that somebody with these interests would get today."""
    interests = interests[:MAX_INTERESTS_CHARS]
    asked = clean(interests)
    if not ctx.limits.samples.take(ctx.client_ip(request), ctx.clock()):
        raise HTTPException(429, gettext_noop("Too many samples were requested from your network."))
    keywords = tuple(split_list(interests if asked else EXAMPLE_INTERESTS)[:MAX_SAMPLE_KEYWORDS])
    reader = Subscriber(
        id=0,
        public_id="",
        address="",
        profile=Profile(keywords=keywords),
        schedule=ctx.services.default_schedule,
        preferences=Preferences(language=get_page_locale().code),
    )
    edition = ctx.previews.edition(reader, ctx.clock())
    return ctx.pages.render(
        "sample",
        scripts=SCRIPTS,
        interests=asked or EXAMPLE_INTERESTS,
        asked=asked,
        sections=build_sections(ctx.services.links, edition, is_personal=False),
        none_near=bool(edition.picks) and not edition.get_picks(Section.PICKED),
        signup=build_signup_fields(ctx, with_categories=True),
    )


@router.get("/authors")
def suggest_authors(ctx: WebContextDep, q: str = "") -> Response:
    """Return names of authors of stored papers that begin like these words, the most frequent first."""
    return JSONResponse({"names": _find_authors(ctx.services.store, clean(q)[:MAX_NAME_CHARS])})


@router.get("/help")
def show_help(ctx: WebContextDep) -> Response:
    """Show how the digest works, what is stored, and how to unsubscribe."""
    return ctx.pages.render("help")


def get_static_file(ctx: WebContextDep, request: Request) -> Response:
    """Return a static file; with a version in its URL it may be cached for ever."""
    name = request.url.path.removeprefix("/")
    content, kind = ctx.pages.files[name], STATIC_FILES[name]
    cache_control = "public, max-age=31536000, immutable" if request.url.query else "public, max-age=3600"
    headers = {"cache-control": cache_control}
    if kind == "image/png":  # other sites show it beside a link to this one
        headers["cross-origin-resource-policy"] = "cross-origin"
    return Response(content, media_type=kind, headers=headers)


for name in STATIC_FILES:
    router.add_api_route(f"/{name}", get_static_file)


@router.get("/favicon.ico")
def redirect_favicon() -> Response:
    """Redirect old browsers, which ask for /favicon.ico."""
    return RedirectResponse("/favicon.svg", status_code=308)


def _describe_list(cards: Sequence[Card], sentence: str) -> str:
    """Return the first titles of a list and a sentence, for the description of a shared link."""
    titles = "; ".join(shorten(card.title, 90) for card in cards[:3])
    return shorten(f"{titles}. {sentence}" if titles else sentence, MAX_DESCRIPTION_CHARS)


def build_cards(ranked: tuple[RankedPaper, ...], day: date) -> list[Card]:
    """Return the cards of a public list."""
    return [build_public_card(item.paper, item.heat, day=day, signals=item.signals) for item in ranked]


def _page_url(request: Request, page_number: int) -> str:
    return f"/papers?{request.url.include_query_params(page=page_number).query}"


def _parse_day(text: str) -> date:
    try:
        return _check_year(date.fromisoformat(text))
    except ValueError as error:
        raise NotFound("Write a day of the archive like 2026-11-23.") from error


def _parse_month(text: str) -> date:
    try:
        return _check_year(datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date())
    except ValueError as error:
        raise NotFound("Write a month of the archive like 2026-11.") from error


def _check_year(day: date) -> date:
    """Return the day. Raises ValueError in the first and last year, where date arithmetic would overflow."""
    if not date.min.year < day.year < date.max.year:
        raise ValueError(day)
    return day


def _find_authors(store: Database, typed: str) -> list[str]:
    """Return authors with a name word that begins like each typed word, those of most papers first."""
    wanted = _fold(typed)
    if sum(map(len, wanted)) < MIN_NAME_CHARS:
        return []
    query = replace(PaperQuery.parse(typed, (), None, None), is_prefix=True)
    with store.begin(write=False) as tx:
        papers = [match.paper for match in tx.papers.find_matches(query, limit=MAX_AUTHOR_MATCHES)]
    counts = Counter(clean(author) for paper in papers for author in paper.authors)
    found = [
        name
        for name in counts
        if all(any(word.startswith(start) for word in _fold(name)) for start in wanted)
    ]
    return sorted(found, key=lambda name: (-counts[name], name))[:MAX_NAMES]


def _fold(text: str) -> list[str]:
    """Return the words of a text without case and accents."""
    plain = "".join(char for char in normalize("NFKD", text) if not combining(char))
    return [word.casefold() for word in _WORD.findall(plain)]
