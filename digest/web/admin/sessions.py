"""The open sessions: one's own, and for owners everybody's; each can be ended."""

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from digest.models.administrators import AdminSession
from digest.models.errors import NotFound
from digest.web.admin.auth import AdminContext, CurrentSession, ViewerActor
from digest.web.admin_session import Session
from digest.web.context import WebContext
from digest.web.routing import create_router

HOME = "/admin/sessions"

router = create_router(include_in_schema=False)


@router.get(HOME)
def list_sessions(ctx: AdminContext, session: CurrentSession) -> Response:
    """Show the sessions that this one may end."""
    rows = [(row, owner) for row, owner in _list_visible(ctx, session) if _may_end(session, row)]
    return ctx.pages.render("admin/sessions", session=session, rows=rows)


@router.post(HOME + "/end-others")
def end_other_sessions(ctx: AdminContext, session: CurrentSession, actor: ViewerActor) -> Response:
    """End all sessions of the same person, or of the same shared token for an owner, but this one."""
    own = [
        row
        for row, owner in _list_visible(ctx, session)
        if owner.name == session.name and row.public_id != session.public_id and _may_end(session, row)
    ]
    with ctx.services.store.begin() as tx:
        ended = sum(tx.administrators.end_session(row.public_id) for row in own)
        if ended:
            actor.write_audit(tx, "end sessions", session.name, {"sessions": ended})
    return RedirectResponse(HOME, 303)


@router.post(HOME + "/{pid}/end")
def end_session(ctx: AdminContext, session: CurrentSession, actor: ViewerActor, pid: str) -> Response:
    """End one session; 403 for that of somebody else, unless an owner asks."""
    found = [(row, owner) for row, owner in _list_visible(ctx, session) if row.public_id == pid]
    if not found:
        raise NotFound("This session has already ended.")
    row, owner = found[0]
    if not _may_end(session, row):
        raise HTTPException(403, "Only an owner can end the sessions of others.")
    with ctx.services.store.begin() as tx:
        tx.administrators.end_session(pid)
        actor.write_audit(tx, "end session", owner.name)
    return RedirectResponse(HOME, 303)


def _list_visible(ctx: WebContext, session: Session) -> list[tuple[AdminSession, Session]]:
    """Return all valid sessions with whose they are, this one first."""
    with ctx.services.store.begin(write=False) as tx:
        rows = tx.administrators.list_sessions(now=ctx.clock())
    described = [(row, ctx.admin_sessions.describe(row)) for row in rows]
    valid = [(row, owner) for row, owner in described if owner]
    return sorted(valid, key=lambda each: each[0].public_id != session.public_id)


def _may_end(session: Session, row: AdminSession) -> bool:
    """Return whether a session may be ended: one's own, or any by an owner.

    Several people may use one shared viewer token, so that its sessions do not end each other.
    """
    if session.is_owner or row.public_id == session.public_id:
        return True
    person = session.administrator
    return person is not None and row.administrator is not None and row.administrator.id == person.id
