"""Who comes in? Signed in, or sent to the login; and every change proves that it comes from our own page."""

from collections.abc import AsyncIterator
from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from digest.models.errors import InvalidToken
from digest.subscribers import By
from digest.web.admin_session import Session, is_same_origin
from digest.web.context import InLobby, Lobby
from digest.web.middleware import MOST_IMPORT

EPOCH = "admin_epoch"  # in the database: signing out everywhere writes another one
LOGIN = "/admin/login"


def cookie_name(lobby: Lobby) -> str:
    """Over https the browser itself holds the cookie to this very host."""
    return "__Host-admin" if lobby.is_https else "admin"


def epoch(lobby: Lobby) -> str:
    """Since which signing out everywhere sessions count."""
    with lobby.house.store.begin(write=False) as tx:
        return tx.meta.read(EPOCH)


def _exists(lobby: InLobby) -> Lobby:
    if not lobby.badges.exist:
        raise HTTPException(404)
    return lobby


Office = Annotated[Lobby, Depends(_exists)]


def _signed_in(request: Request, lobby: Office) -> Session:
    cookie = request.cookies.get(cookie_name(lobby), "")
    try:
        return lobby.badges.read(cookie, lobby.clock(), epoch=epoch(lobby))
    except InvalidToken as error:
        if request.method == "GET":
            raise HTTPException(303, "Please sign in.", {"location": LOGIN}) from error
        raise HTTPException(403, "Please sign in again.") from error


SignedIn = Annotated[Session, Depends(_signed_in)]


async def _own_form(request: Request, lobby: Office) -> AsyncIterator[FormData]:
    """The form of a page of ours. What another site sends is refused before it is read."""
    if not is_same_origin(request.headers, lobby.house.settings.base_url):
        raise HTTPException(403, "This did not come from a page of ours.")
    async with request.form(max_files=1, max_fields=60, max_part_size=MOST_IMPORT) as form:
        yield form


OwnForm = Annotated[FormData, Depends(_own_form)]


def _may_change(lobby: Office, session: SignedIn, form: OwnForm) -> By:
    if not session.may_change:
        raise HTTPException(403, "This token may only look.")
    if not compare_digest(session.csrf.encode(), str(form.get("csrf", "")).encode(errors="replace")):
        raise HTTPException(403, "This form is too old; please load the page again.")
    return lobby.by(f"admin:{session.role}")


MayChange = Annotated[By, Depends(_may_change)]
