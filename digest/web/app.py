"""How do the pages hang together? One application: the guard around it, the rooms within it."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from digest import __version__
from digest.app.services import Services
from digest.models.errors import (
    DigestError,
    InvalidAddress,
    InvalidChange,
    InvalidToken,
    LinkExpired,
    NotAsThingsStand,
    NotFound,
    StoreBusy,
)
from digest.web.admin import auth, overview, subscribers, transfer
from digest.web.api import routes as api
from digest.web.context import Clock, WebContext, lobby_of, wall_clock
from digest.web.middleware import Guard
from digest.web.routes import (
    bounce_webhooks,
    confirm,
    feedback,
    feeds,
    health,
    opened,
    paper,
    preferences,
    private_feed,
    public,
    signup,
    unsubscribe,
)
from digest.web.routes.signup import wants_json

log = logging.getLogger(__name__)

ROOMS = (
    public, paper, signup, confirm, unsubscribe, preferences, feedback, opened, private_feed, feeds, health,
    bounce_webhooks,
)  # fmt: skip
EVERY_ROOM = (*ROOMS, api, auth, overview, transfer, subscribers)
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
MEANING: dict[type[object], int] = {
    LinkExpired: 410,
    InvalidToken: 404,
    NotFound: 404,
    InvalidAddress: 422,
    InvalidChange: 422,
    NotAsThingsStand: 409,
    StoreBusy: 503,
}
TITLES = {
    404: "There is nothing here",
    405: "That does not work this way",
    409: "Not as things stand",
    413: "That is too much",
    422: "That cannot be taken as it is",
    429: "Please wait a little",
    503: "Back in a moment",
}

MISLED = "This link does not work"


def build(services: Services, *, clock: Clock = wall_clock, lifespan: Lifespan | None = None) -> FastAPI:
    """The web pages of a house; `lifespan` runs beside them, as the scheduler does in `digest serve`."""
    ctx = lobby_of(services, clock=clock)
    app = FastAPI(
        title=services.site.brand,
        version=__version__,
        redirect_slashes=False,  # a provider's one-click POST must never be redirected
        docs_url=None,  # the built-in pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    app.state.ctx = ctx
    for room in EVERY_ROOM:
        app.include_router(room.router)
    _answer_errors(app, ctx)
    app.add_middleware(
        Guard,
        is_https=ctx.is_https,
        refuse=lambda scope, sentence: told(ctx, Request(scope), 413, sentence),
    )
    return app


def _answer_errors(app: FastAPI, ctx: WebContext) -> None:
    @app.exception_handler(DigestError)
    async def ours(request: Request, error: DigestError) -> Response:
        status = next((MEANING[kind] for kind in type(error).__mro__ if kind in MEANING), 500)
        if status == 500:
            log.error("page failed", extra={"path": room_of(request), "reason": str(error)})
            return told(ctx, request, status, "We could not do that; please try again later.")
        title = MISLED if isinstance(error, InvalidToken) else ""
        return told(ctx, request, status, str(error), title=title)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            takes = ", ".join(sorted(_methods(request.url.path)))
            answer = told(ctx, request, 405, f"This address takes {takes}, not {request.method}.")
            answer.headers["allow"] = takes
            return answer
        said = "Please check the address." if error.status_code == 404 else error.detail
        answer = told(ctx, request, error.status_code, said)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        problem = error.errors()[0]
        field = ".".join(map(str, problem["loc"])) or "What was sent"
        return told(ctx, request, 422, f"{field}: {problem['msg']}.")

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: Exception) -> Response:
        return Response(status_code=400)  # nobody hears it; without an answer the log would call it a failure

    @app.exception_handler(Exception)
    async def broken(request: Request, _: Exception) -> Response:
        # The one place that may swallow: a page that fails is a page, the server logs the rest.
        return told(ctx, request, 500, "Something went wrong on our side; please try again later.")


def _methods(path: str) -> set[str]:
    """All that an address takes: the router's own answer names one route of several, and no HEAD."""
    routes = (route for room in EVERY_ROOM for route in room.router.routes if isinstance(route, Route))
    takes = {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}
    return takes | {"HEAD"} if "GET" in takes else takes


def told(ctx: WebContext, request: Request, status: int, sentence: str, *, title: str = "") -> Response:
    """A failure in the form its reader expects: JSON for programs, a page for people."""
    if room_of(request) == "api" or (room_of(request) == "subscribe" and wants_json(request)):
        return JSONResponse({"error": sentence}, status)
    title = title or TITLES.get(status, "That did not work")
    return ctx.pages.message(title, sentence, status=status, links=[("To the front page", "/")])


def room_of(request: Request) -> str:
    """The first part of the path: what follows may be a token, and never stands in a log."""
    return request.url.path.split("/")[1] if "/" in request.url.path else ""


@asynccontextmanager
async def nothing_beside(_: FastAPI) -> AsyncIterator[None]:
    """No work beside the pages."""
    yield
