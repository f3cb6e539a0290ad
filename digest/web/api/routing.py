"""Routers of the API: answers carry an ETag, and a GET that knows it already is answered 304.

RFC 9110, sections 8.8.3 and 13. The tag is a hash of the body, so that it changes exactly when the body does.
"""

from collections.abc import Callable, Coroutine
from hashlib import blake2b
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from digest.web.api.schemas import ERROR_RESPONSES, PREFIX
from digest.web.routing import WebRoute


class ApiRoute(WebRoute):
    """A route whose GET has an ETag and answers If-None-Match."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route, with conditional requests."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            response = await handler(request)
            is_document = response.status_code == 200 and not isinstance(response, StreamingResponse)
            if request.method != "GET" or not is_document:
                return response
            return revalidate(request, response)

        return handle


def revalidate(request: Request, response: Response) -> Response:
    """Return the answer with an ETag, or a 304 if the request names it already."""
    etag = response.headers.setdefault("etag", _compute_etag(bytes(response.body)))
    known = ",".join(request.headers.getlist("if-none-match"))
    if not is_listed(etag, known, is_weak_enough=True):
        return response
    kept = {name: response.headers[name] for name in ("etag", "cache-control") if name in response.headers}
    return Response(status_code=304, headers=kept)


def create_api_router(tag: str, *dependencies: Callable[..., Any]) -> APIRouter:
    """Return a router of the API whose calls stand under *tag* in the reference and need *dependencies*."""
    needed = [Depends(dependency) for dependency in dependencies]
    return APIRouter(
        route_class=ApiRoute, prefix=PREFIX, responses=ERROR_RESPONSES, tags=[tag], dependencies=needed
    )


def set_etag(response: Response, model: BaseModel) -> None:
    """Give an answer the ETag of what it shows, the same for GET and for the changes that return it."""
    response.headers["etag"] = compute_etag(model)


def compute_etag(model: BaseModel) -> str:
    """Return the ETag of what a model shows."""
    return _compute_etag(model.model_dump_json().encode(errors="replace"))


def check_precondition(if_match: str | None, current: BaseModel) -> None:
    """Do nothing if the caller saw *current*, or does not care.

    Raises:
        HTTPException: 412, somebody else changed it meanwhile.

    """
    if if_match is not None and not is_listed(compute_etag(current), if_match):
        raise HTTPException(412, "It was changed since you read it. GET it again, then repeat your change.")


def is_listed(etag: str, header: str, *, is_weak_enough: bool = False) -> bool:
    """Return whether a tag is in the value of If-Match or If-None-Match, which may be `*`."""
    tags = [tag.strip() for tag in header.split(",")]
    return "*" in tags or etag in tags or (is_weak_enough and f"W/{etag}" in tags)


def _compute_etag(body: bytes) -> str:
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'
