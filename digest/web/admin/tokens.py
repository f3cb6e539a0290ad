"""Personal tokens for the API: one's own, and for owners everybody's."""

from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from digest.db.subscribers.rows import create_public_id
from digest.models.administrators import AdminToken, Role
from digest.models.api_tokens import TokenKind, create_token, hash_token, shorten_token
from digest.models.errors import InvalidChange, require
from digest.web.admin.auth import AdminContext, AdminForm, CurrentSession, ViewerActor
from digest.web.admin_session import Session
from digest.web.context import WebContext
from digest.web.routing import create_router

HOME = "/admin/tokens"
MAX_NAME_CHARS = 60
LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year", "": "until it is revoked"}
SCOPES = {Role.VIEWER: "read", Role.EDITOR: "read and change", Role.OWNER: "everything an owner may do"}

router = create_router(include_in_schema=False)


@router.get(HOME)
def list_tokens(ctx: AdminContext, session: CurrentSession) -> Response:
    """Show one's own tokens, and for an owner everybody's."""
    return _render(ctx, session)


@router.post(HOME)
def add_token(ctx: AdminContext, session: CurrentSession, actor: ViewerActor, form: AdminForm) -> Response:
    """Make a token and show it, this once."""
    person = session.administrator
    if person is None:
        raise HTTPException(403, "A token belongs to a person: sign in by an emailed link first.")
    secret = create_token(TokenKind.ADMINISTRATOR)
    try:
        name, scope, lifetime = _parse_form(form, session.role)
        token = AdminToken(
            public_id=create_public_id(),
            administrator=person,
            name=name,
            hint=shorten_token(secret),
            scope=scope,
            created_at=actor.now,
            expires_at=actor.now + lifetime if lifetime else None,
        )
        detail = {"name": name, "scope": SCOPES[scope], "days": lifetime.days if lifetime else "no end"}
        with ctx.services.store.begin() as tx:
            tx.administrators.add_token(hash_token(secret), token)
            actor.write_audit(tx, "add API token", person.public_id, detail)
    except InvalidChange as error:
        return _render(ctx, session, problem=str(error))
    return _render(ctx, session, token=secret)


@router.post(HOME + "/{pid}/end")
def end_token(ctx: AdminContext, session: CurrentSession, actor: ViewerActor, pid: str) -> Response:
    """End a token for ever; 403 for that of somebody else, unless an owner asks."""
    with ctx.services.store.begin() as tx:
        token = require(tx.administrators.find_token_by_id(pid), "There is no such token.")
        if not _may_see(session, token):
            raise HTTPException(403, "Only an owner can revoke the tokens of others.")
        tx.administrators.end_token(pid)
        actor.write_audit(tx, "end API token", token.administrator.public_id, {"name": token.name})
    return RedirectResponse(HOME, 303)


def _parse_form(form: AdminForm, role: Role) -> tuple[str, Role, timedelta | None]:
    """Return name, scope and lifetime of a new token; None for one without an end."""
    name = " ".join(str(form.get("name", "")).split())
    if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise InvalidChange(f"Enter what the token is for, in at most {MAX_NAME_CHARS} characters.")
    scope, days = str(form.get("scope", "")), str(form.get("days", ""))
    if scope not in {*Role} or not role.allows(Role(scope)):
        raise InvalidChange("Choose what the token may do; it cannot do more than you.")
    if days not in LIFETIMES:
        raise InvalidChange("Choose how long the token is valid.")
    return name, Role(scope), timedelta(days=int(days)) if days else None


def _may_see(session: Session, token: AdminToken) -> bool:
    person = session.administrator
    return session.is_owner or (person is not None and token.administrator.id == person.id)


def _render(ctx: WebContext, session: Session, *, token: str = "", problem: str = "") -> Response:
    with ctx.services.store.begin(write=False) as tx:
        tokens = [each for each in tx.administrators.list_tokens() if _may_see(session, each)]
    return ctx.pages.render(
        "admin/tokens",
        session=session,
        tokens=tokens,
        now=ctx.clock(),
        token=token,
        scopes={str(role): words for role, words in SCOPES.items() if session.role.allows(role)},
        all_scopes=SCOPES,
        lifetimes=LIFETIMES,
        problem=problem,
    )
