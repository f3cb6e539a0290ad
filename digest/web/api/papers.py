"""The calls on papers: search, one paper with its attention, and the trending lists."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, Field

from digest.mail.locale import get_locale
from digest.mail.wording import describe_trend
from digest.models import Paper, Signal, SignalKind
from digest.models.papers import select_latest
from digest.web.api.auth import require_role
from digest.web.api.cursors import CursorKind, CursorText, Limit, decode_cursor, encode_cursor
from digest.web.api.routing import create_api_router
from digest.web.api.schemas import ApiRequest
from digest.web.context import WebContextDep
from digest.web.trending_lists import MONTH, TODAY, WEEK

router = create_api_router("papers", require_role)


class TrendingWindow(StrEnum):
    """How far back a list of trending papers reaches."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


WINDOWS = {TrendingWindow.DAY: TODAY, TrendingWindow.WEEK: WEEK, TrendingWindow.MONTH: MONTH}


class PaperFilter(ApiRequest):
    """Search words, filter and page of the list of papers."""

    q: str = Field("", max_length=200, description="words in title, abstract and authors")
    category: list[str] = Field(default_factory=list, max_length=20, examples=[["cs.CL"]])
    source: str = Field("", max_length=50)
    since: AwareDatetime | None = Field(None, description="only papers first seen since then")
    limit: Limit = 50
    cursor: CursorText = ""


class TrendingFilter(ApiRequest):
    """Which trending papers."""

    window: TrendingWindow = TrendingWindow.DAY
    category: str = Field("", max_length=50)
    limit: Limit = 20


class SignalResponse(BaseModel):
    """A count of attention, as it was last read."""

    kind: SignalKind
    value: float
    observed_at: datetime
    source: str


class PaperResponse(BaseModel):
    """A paper, with the latest count of each kind of attention."""

    id: str
    title: str
    abstract: str
    url: str
    authors: list[str]
    categories: list[str]
    published: datetime | None
    first_seen: datetime | None = Field(description="when a source first announced it")
    listed: date | None = Field(description="the day on which a trending source listed it")
    version: int
    source: str
    summary: str
    pdf_url: str
    code_url: str
    project_url: str
    discussion_url: str
    withdrawn: bool
    signals: list[SignalResponse]

    @classmethod
    def of_signals(cls, paper: Paper, signals: Sequence[Signal]) -> Self:
        """Build the response of a paper from all its signals."""
        fields = {name: getattr(paper, name) for name in cls.model_fields if name != "signals"}
        return cls.model_validate({**fields, "signals": select_latest(signals)}, from_attributes=True)


class PaperPage(BaseModel):
    """Some of the papers that match: best first, or without words newest first."""

    papers: list[PaperResponse]
    next_cursor: str | None


class TrendingPaper(BaseModel):
    """A paper of the trending list, and why it is there."""

    place: int
    heat: float = Field(description="doublings above a usual paper")
    votes: float
    expected: float = Field(description="votes it is on course for")
    why: str = Field(description="in English, as in the email")
    paper: PaperResponse


class TrendingList(BaseModel):
    """The trending papers, hottest first."""

    window: TrendingWindow
    papers: list[TrendingPaper]


@router.get("/papers")
def list_papers(ctx: WebContextDep, filters: Annotated[PaperFilter, Query()]) -> PaperPage:
    """Search the papers by words and filters; without words, list the newest."""
    offset = decode_cursor(CursorKind.OFFSET, filters.cursor)
    with ctx.services.store.begin(write=False) as tx:
        papers = tx.papers.search(
            filters.q,
            categories=filters.category,
            since=filters.since,
            source=filters.source or None,
            limit=filters.limit,
            offset=min(offset, 1_000_000),
        )
        signals = tx.signals.get_until([paper.id for paper in papers], until=ctx.clock())
    is_last = len(papers) < filters.limit
    return PaperPage(
        papers=[PaperResponse.of_signals(paper, signals.get(paper.id, ())) for paper in papers],
        next_cursor=None if is_last else encode_cursor(CursorKind.OFFSET, offset + len(papers)),
    )


@router.get("/papers/{id:path}")
def show_paper(ctx: WebContextDep, id: str) -> PaperResponse:  # noqa: A002  the name in the path
    """Return one paper, by any id it is known by: `arxiv:2611.01234`, a DOI, a URL."""
    with ctx.services.store.begin(write=False) as tx:
        paper = tx.papers.get(id, missing="No source has announced this paper to us.")
        signals = tx.signals.get_until([paper.id], until=ctx.clock())
    return PaperResponse.of_signals(paper, signals.get(paper.id, ()))


@router.get("/trending")
def list_trending(ctx: WebContextDep, filters: Annotated[TrendingFilter, Query()]) -> TrendingList:
    """List the trending papers, as the front page shows them, with their numbers and reasons."""
    now = ctx.clock()
    ranked = ctx.trending_lists.trending(WINDOWS[filters.window], now, category=filters.category)
    papers = [
        TrendingPaper(
            place=place,
            heat=round(each.heat.value, 3),
            votes=each.heat.votes or 0,
            expected=round(each.heat.expected, 1),
            why=describe_trend(get_locale("en"), each.heat, now.date()),
            paper=PaperResponse.of_signals(each.paper, each.signals),
        )
        for place, each in enumerate(ranked[: filters.limit], 1)
    ]
    return TrendingList(window=filters.window, papers=papers)
