"""The FastAPI application: its routes, its middleware, and how errors become responses."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from textwrap import shorten
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from digest import __version__
from digest.app.services import Services, utc_now
from digest.mail.locale import gettext_noop
from digest.models.errors import (
    DigestError,
    InvalidAddress,
    InvalidChange,
    InvalidToken,
    LinkExpired,
    NotFound,
    Phrase,
    StateConflict,
    StoreBusy,
)
from digest.subscribers.validation import explain_problem
from digest.web import mcp_server
from digest.web.admin import (
    administrators,
    audit,
    bulk,
    overview,
    sessions,
    sign_in,
    subscriber,
    subscribers,
    suppressions,
    tokens,
    transfer,
)
from digest.web.api import document
from digest.web.api.schemas import PROBLEM_TYPE, FieldProblem, ProblemResponse
from digest.web.context import Clock, WebContext, create_context
from digest.web.languages import gettext, translate_error
from digest.web.middleware import CALL_SEGMENTS, SecurityMiddleware
from digest.web.routes import (
    bounce_webhooks,
    channels,
    confirm,
    feedback,
    feeds,
    health,
    opened,
    paper,
    preferences,
    private_feed,
    programs,
    public,
    saved,
    signup,
    unsubscribe,
)
from digest.web.routes.signup import wants_json

log = logging.getLogger(__name__)

PUBLIC_ROUTE_MODULES = (
    public, paper, signup, confirm, unsubscribe, preferences, feedback, opened, private_feed, feeds, health,
    saved, bounce_webhooks, channels, programs, mcp_server,
)  # fmt: skip
ADMIN_ROUTE_MODULES = (
    sign_in, overview, audit, bulk, transfer, subscribers, subscriber, suppressions, administrators,
    sessions, tokens,
)  # fmt: skip
ROUTE_MODULES = (*PUBLIC_ROUTE_MODULES, *document.API_MODULES, document, *ADMIN_ROUTE_MODULES)
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
ERROR_STATUSES: dict[type[object], int] = {
    LinkExpired: 410,
    InvalidToken: 404,
    NotFound: 404,
    InvalidAddress: 422,
    InvalidChange: 422,
    StateConflict: 409,
    StoreBusy: 503,
}
ERROR_TITLES = {
    404: gettext_noop("There is nothing here"),
    405: gettext_noop("That is not possible here"),
    409: gettext_noop("That is not possible right now"),
    413: gettext_noop("That is too large"),
    422: gettext_noop("That could not be accepted"),
    429: gettext_noop("Please wait a moment"),
    503: gettext_noop("Back in a moment"),
}
PARTS_OF_REQUEST = {"query", "path", "body"}  # with which FastAPI begins the place of a problem
MAX_SHOWN_CHARS = 60  # of a value that was refused
BROKEN_LINK_TITLE = gettext_noop("This link does not work")


def create_app(services: Services, *, clock: Clock = utc_now, lifespan: Lifespan | None = None) -> FastAPI:
    """Return the web application; *lifespan* runs beside it, as the scheduler does in `digest serve`."""
    ctx = create_context(services, clock=clock)
    app = FastAPI(
        title=services.site.brand,
        version=__version__,
        redirect_slashes=False,  # a provider's one-click POST must never be redirected
        docs_url=None,  # the built-in pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        routes=[route for module in ROUTE_MODULES for route in module.router.routes],  # not copies of them
    )
    app.state.ctx = ctx
    _add_error_handlers(app, ctx)
    app.add_middleware(
        SecurityMiddleware,
        is_https=ctx.is_https,
        refuse=lambda scope, sentence: error_response(ctx, Request(scope), 413, sentence),
    )
    return app


def _add_error_handlers(app: FastAPI, ctx: WebContext) -> None:
    @app.exception_handler(DigestError)
    async def on_digest_error(request: Request, error: DigestError) -> Response:
        status = next((ERROR_STATUSES[kind] for kind in type(error).__mro__ if kind in ERROR_STATUSES), 500)
        if status == 500:
            log.error("page failed", extra={"path": first_segment(request), "reason": str(error)})
            return error_response(
                ctx, request, status, gettext_noop("We could not do that; please try again later.")
            )
        if is_call(request):
            return _build_problem(status, " ".join(filter(None, (str(error), error.call))))
        title = BROKEN_LINK_TITLE if isinstance(error, InvalidToken) else ""
        return error_response(ctx, request, status, translate_error(error), title=title)

    @app.exception_handler(HTTPException)
    async def on_http_exception(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            allowed = ", ".join(sorted(_find_methods(request.url.path)))
            refused = gettext("This address accepts %(allowed)s, not %(method)s.")
            response = error_response(
                ctx, request, 405, refused % {"allowed": allowed, "method": request.method}
            )
            response.headers["allow"] = allowed
            return response
        is_unknown = error.status_code == 404
        sentence = gettext_noop("Please check the address.") if is_unknown else str(error.detail)
        response = error_response(ctx, request, error.status_code, sentence)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    async def on_validation_error(request: Request, error: RequestValidationError) -> Response:
        problem = error.errors()[0]
        field = ".".join(map(str, problem["loc"])) or "input"
        sentence = f"{field}: {explain_problem(problem)}."
        if is_call(request):
            fields = [
                FieldProblem(
                    field=".".join(map(str, each["loc"])) or "body", message=f"{explain_problem(each)}."
                )
                for each in error.errors()
            ]
            return _build_problem(422, sentence, fields)
        return error_response(ctx, request, 422, translate_error(_describe_problem(problem)))

    @app.exception_handler(ClientDisconnect)
    async def on_disconnect(_: Request, __: Exception) -> Response:
        return Response(status_code=400)  # nobody receives it; without it an error would be logged

    @app.exception_handler(Exception)
    async def on_exception(request: Request, _: Exception) -> Response:
        # Starlette raises the exception again after this response, so that the server logs it.
        return error_response(
            ctx, request, 500, gettext_noop("Something went wrong on our side; please try again later.")
        )


def _describe_problem(problem: Any) -> InvalidChange:
    """Return the first problem that pydantic found with a request, in words for people."""
    name = next((str(part) for part in problem["loc"] if part not in PARTS_OF_REQUEST), "")
    if problem["type"] == "string_too_long":
        return InvalidChange(
            "%(name)s can have at most %(most)s characters.", name=name, most=problem["ctx"]["max_length"]
        )
    why = explain_problem(problem)
    if not name or not isinstance(why, Phrase):
        return InvalidChange()
    value = repr(shorten(str(problem["input"]), MAX_SHOWN_CHARS, placeholder="…"))
    return InvalidChange("%(name)s cannot be %(value)s: %(why)s.", name=name, value=value, why=why)


def _find_methods(path: str) -> set[str]:
    """Return all methods of a path. The router's own 405 names those of one route only, and no HEAD."""
    routes = (route for module in ROUTE_MODULES for route in module.router.routes if isinstance(route, Route))
    methods = {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}
    return methods | {"HEAD"} if "GET" in methods else methods


def error_response(
    ctx: WebContext, request: Request, status: int, sentence: str, *, title: str = ""
) -> Response:
    """Return an error as its reader expects it: JSON for programs, a page for people."""
    if is_call(request):
        return _build_problem(status, sentence)
    if first_segment(request) == "subscribe" and wants_json(request):
        return JSONResponse({"error": sentence}, status)
    title = title or ERROR_TITLES.get(status, gettext_noop("That did not work"))
    is_admin = first_segment(request) == "admin"
    link = ("Overview", "/admin") if is_admin else (gettext("To the front page"), "/")
    return ctx.pages.render_message(gettext(title), gettext(sentence), status=status, links=[link])


def is_call(request: Request) -> bool:
    """Return whether a program asks, which gets errors as JSON in English."""
    return first_segment(request) in CALL_SEGMENTS


def first_segment(request: Request) -> str:
    """Return the first part of the path, which may be logged; what follows can be a token."""
    return request.url.path.split("/")[1] if "/" in request.url.path else ""


def _build_problem(status: int, detail: str, errors: Sequence[FieldProblem] = ()) -> JSONResponse:
    """Return the response of an error; *detail* is a sentence for the person behind the program."""
    title = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Error"
    problem = ProblemResponse(
        title=title, status=status, detail=detail, errors=list(errors) or None, error=detail
    )
    return JSONResponse(problem.model_dump(exclude_none=True), status, media_type=PROBLEM_TYPE)
