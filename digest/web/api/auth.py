"""Which program may do what? A bearer token, compared in constant time; unless one is set, all is 404."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from digest.subscribers import Actor
from digest.web.admin_session import Role
from digest.web.context import WebContextDep

READING = {"GET", "HEAD"}

_bearer = HTTPBearer(auto_error=False, description="DIGEST_ADMIN_TOKEN, or DIGEST_VIEWER_TOKEN for GET")


def _acting(
    request: Request,
    ctx: WebContextDep,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Actor:
    """Who acts; 404 when the API is off, 401 without a token of ours, 403 when the role may only read."""
    if not ctx.badges.exist:
        raise HTTPException(404)
    visitor, now = ctx.visitor(request), ctx.clock()
    if ctx.limits.logins.level(visitor, now) < 1:
        raise HTTPException(429, "Too many wrong tokens; try again in a minute.", {"retry-after": "60"})
    role = ctx.badges.role_of(given.credentials) if given else None
    if role is None:
        ctx.limits.logins.take(visitor, now)
        raise HTTPException(401, "Send the admin token as a bearer token.", {"www-authenticate": "Bearer"})
    if role is Role.VIEWER and request.method not in READING:
        raise HTTPException(403, "This token may only look.")
    return ctx.by(f"api:{role}")


Acting = Annotated[Actor, Depends(_acting)]
