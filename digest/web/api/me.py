"""The calls of a reader's own program, by a token made on the preferences page."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field
from starlette.exceptions import HTTPException

from digest.ranking.feedback import LessReason
from digest.web.api.auth import refuse_token
from digest.web.api.routing import create_api_router
from digest.web.api.schemas import ApiRequest
from digest.web.context import WebContextDep
from digest.web.reader_api import (
    MAX_QUERY_CHARS,
    NotAllowed,
    PaperExplanation,
    ReaderApi,
    ReaderDigest,
    SaveResult,
    SearchResults,
    TooManyCalls,
    VoteResult,
    VoteVerdict,
    open_reader_api,
)

MAX_ID_CHARS = 300

router = create_api_router("me")

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="ReaderToken",
    description="A reader's own token, created on the Programs page of their preferences.",
)


def authenticate(
    request: Request,
    ctx: WebContextDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> ReaderApi:
    """Return the calls of the token; 401 without a valid one, 429 after too many calls or wrong tokens."""
    try:
        calls = open_reader_api(ctx, credentials.credentials) if credentials else None
    except TooManyCalls as error:
        raise HTTPException(429, str(error), {"retry-after": "60"}) from error
    if calls is None:
        raise refuse_token(request, ctx, "your token")
    return calls


def _require_write(calls: Annotated[ReaderApi, Depends(authenticate)]) -> ReaderApi:
    """Return the calls of a token that may write; 403 if it may only read."""
    if not calls.token.may_write:
        raise HTTPException(403, str(NotAllowed()))
    return calls


Calls = Annotated[ReaderApi, Depends(authenticate)]
WritingCalls = Annotated[ReaderApi, Depends(_require_write)]
PaperId = Annotated[
    str, Field(min_length=1, max_length=MAX_ID_CHARS, description="any form of its id, or a link to it")
]


class VoteRequest(ApiRequest):
    """A vote on a paper."""

    paper: PaperId
    verdict: VoteVerdict
    reason: LessReason | None = Field(None, description='of "less"')


class SaveRequest(ApiRequest):
    """A paper to save, with a note and tags."""

    paper: PaperId
    note: str = Field("", max_length=5000)
    tags: str = Field("", max_length=1000, description="separated by commas")


@router.get("/me/digest")
def get_own_digest(
    calls: Calls, day: Annotated[date | None, Query(description="without it, today's")] = None
) -> ReaderDigest:
    """Return your digest of a day, with the reason of each paper."""
    return calls.get_digest(day)


@router.get("/me/why")
def explain_paper(calls: Calls, paper: Annotated[PaperId, Query()]) -> PaperExplanation:
    """Say why a paper was sent to you, is chosen today, or is not."""
    return calls.explain_paper(paper)


@router.get("/me/search")
def search_papers(
    calls: Calls, q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY_CHARS)]
) -> SearchResults:
    """Search all papers, by their words and their meaning."""
    return calls.search_papers(q)


@router.post("/me/vote")
def vote_on_paper(ctx: WebContextDep, calls: WritingCalls, vote: VoteRequest) -> VoteResult:  # noqa: ARG001  the router finds its threads in ctx
    """Vote on a paper: `more` or `less` like it; `none` removes the vote."""
    return calls.vote_on_paper(vote.paper, vote.verdict, vote.reason)


@router.post("/me/save")
def save_paper(ctx: WebContextDep, calls: WritingCalls, saved: SaveRequest) -> SaveResult:  # noqa: ARG001
    """Save a paper."""
    return calls.save_paper(saved.paper, note=saved.note, tags=saved.tags)
