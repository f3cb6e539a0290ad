"""Routers whose writing handlers have threads of their own: pages never wait for a locked database."""

from collections.abc import Callable
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any

from anyio import to_thread
from fastapi import APIRouter
from fastapi.routing import APIRoute

WRITER_THREADS = 8  # of the 15 connections that the database pool opens
READING_METHODS = frozenset({"GET", "HEAD"})


class WebRoute(APIRoute):
    """A route; the handler of a writing method, unless it is a coroutine, runs in `writer_threads`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if not READING_METHODS & set(options.get("methods") or READING_METHODS):
            endpoint = _run_in_writer_threads(endpoint)
        super().__init__(path, endpoint, **options)


def create_router(**options: Any) -> APIRouter:
    """Return a router of such routes; *options* are those of APIRouter."""
    return APIRouter(route_class=WebRoute, **options)


def _run_in_writer_threads(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    if iscoroutinefunction(endpoint):
        return endpoint

    @wraps(endpoint)
    async def call(**arguments: Any) -> Any:
        limiter = arguments["ctx"].writer_threads
        return await to_thread.run_sync(partial(endpoint, **arguments), limiter=limiter)

    return call
