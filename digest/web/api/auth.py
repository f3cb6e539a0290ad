"""Authentication of the API by bearer token; without any administrator every route answers 404."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from digest.db.administrators import SEEN_EVERY
from digest.models.administrators import Role
from digest.models.api_tokens import TokenKind, hash_token, is_token
from digest.models.errors import StoreError
from digest.subscribers import Actor
from digest.web.admin_session import SHARED_TOKEN_NAMES
from digest.web.context import WebContext, WebContextDep

READ_METHODS = {"GET", "HEAD"}

_bearer = HTTPBearer(
    auto_error=False,
    description="An administrator's token, created at /admin/tokens; or, for scripts, DIGEST_ADMIN_TOKEN, "
    "or DIGEST_VIEWER_TOKEN for GET.",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token it is, and what it allows."""

    actor: Actor
    role: Role


def _authenticate(
    request: Request,
    ctx: WebContextDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """Return who calls.

    404 if the API is off, 401 without a valid token, 429 after too many wrong ones. A valid token is never
    refused for wrong ones before it.
    """
    now = ctx.clock()
    caller = _find_caller(ctx, credentials.credentials, now) if credentials else None
    if caller is None:
        with ctx.services.store.begin(write=False) as tx:
            if not ctx.admin_sessions.is_enabled(tx):
                raise HTTPException(404)
        raise refuse_token(request, ctx, "a token")
    return caller


def refuse_token(request: Request, ctx: WebContext, what: str) -> HTTPException:
    """Return the 401 that asks for a token, or a 429 after too many wrong ones."""
    if not ctx.limits.logins.take(ctx.client_ip(request), ctx.clock()):
        return HTTPException(429, "Too many wrong tokens; try again in a minute.", {"retry-after": "60"})
    sentence = f"Send {what} as `Authorization: Bearer TOKEN`."
    return HTTPException(401, sentence, {"www-authenticate": "Bearer"})


def require_role(request: Request, caller: Annotated[Caller, Depends(_authenticate)]) -> Actor:
    """Return who calls; 403 if the token may only read and this is no reading method."""
    if request.method not in READ_METHODS and not caller.role.allows(Role.EDITOR):
        raise HTTPException(403, "This token may only read.")
    return caller.actor


def _find_caller(ctx: WebContext, text: str, now: datetime) -> Caller | None:
    """Return whose token it is, and what it allows; None if it is not valid."""
    role = ctx.admin_sessions.find_role(text)
    if role is not None:
        return Caller(ctx.actor(f"api:{SHARED_TOKEN_NAMES[role]}"), role)
    if not is_token(TokenKind.ADMINISTRATOR, text):
        return None
    with ctx.services.store.begin(write=False) as tx:
        token = tx.administrators.find_token(hash_token(text), now=now)
    if token is None:
        return None
    if token.used_at is None or now - token.used_at >= SEEN_EVERY:
        with suppress(StoreError), ctx.services.store.begin() as tx:  # the call itself can go on
            tx.administrators.touch_token(token, now=now)
    person = token.administrator
    return Caller(ctx.actor(f"api:{person.public_id}"), token.scope.limit(person.role))


def require_role_still(
    request: Request,
    ctx: WebContextDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Actor:
    """Ask again after a long body has arrived, as the sender can make that last."""
    return require_role(request, _authenticate(request, ctx, credentials))


ApiActor = Annotated[Actor, Depends(require_role)]
ApiReader = Annotated[Caller, Depends(_authenticate)]  # of a call that changes nothing, whatever its method
