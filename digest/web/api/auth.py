"""Authentication of the API by bearer token; without a configured token every route answers 404."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from digest.models.administrators import Role
from digest.subscribers import Actor
from digest.web.admin_session import SHARED_TOKEN_NAMES
from digest.web.context import WebContextDep

READ_METHODS = {"GET", "HEAD"}

_bearer = HTTPBearer(auto_error=False, description="DIGEST_ADMIN_TOKEN, or DIGEST_VIEWER_TOKEN for GET")


def _authenticate(
    request: Request,
    ctx: WebContextDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Actor:
    """Return who acts.

    404 if the API is off, 401 without a valid token, 429 after too many wrong ones, 403 if the role may only
    read. A valid token is never refused for wrong ones before it.
    """
    if not ctx.admin_sessions.is_enabled:
        raise HTTPException(404)
    role = ctx.admin_sessions.find_role(credentials.credentials) if credentials else None
    if role is None:
        if not ctx.limits.logins.take(ctx.client_ip(request), ctx.clock()):
            raise HTTPException(429, "Too many wrong tokens; try again in a minute.", {"retry-after": "60"})
        raise HTTPException(401, "Send the admin token as a bearer token.", {"www-authenticate": "Bearer"})
    if request.method not in READ_METHODS and not role.allows(Role.EDITOR):
        raise HTTPException(403, "This token may only read.")
    return ctx.actor(f"api:{SHARED_TOKEN_NAMES[role]}")


ApiActor = Annotated[Actor, Depends(_authenticate)]
