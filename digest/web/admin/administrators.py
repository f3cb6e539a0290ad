"""The page on which owners say who administers: invitations, roles and removal."""

from starlette.responses import RedirectResponse, Response

from digest.db import Transaction
from digest.models.administrators import Administrator, Role
from digest.models.errors import InvalidAddress, InvalidChange, StateConflict
from digest.subscribers import Actor
from digest.web.admin.auth import AdminContext, AdminForm, OwnerActor, OwnerSession
from digest.web.admin_session import Session
from digest.web.context import WebContext
from digest.web.routing import create_router
from digest.web.sign_in_links import queue_link

HOME = "/admin/administrators"
MAX_NAME_CHARS = 80

router = create_router(include_in_schema=False)


@router.get(HOME)
def list_administrators(ctx: AdminContext, session: OwnerSession) -> Response:
    """Show all administrators and the form that invites one."""
    return _render(ctx, session)


@router.post(HOME)
def invite_administrator(
    ctx: AdminContext, session: OwnerSession, actor: OwnerActor, form: AdminForm
) -> Response:
    """Add an administrator and mail them a link by which they accept."""
    try:
        name, role = _parse_name(form), _parse_role(form)
        with ctx.services.store.begin() as tx:
            person = tx.administrators.add(name, str(form.get("email", "")), role, now=actor.now)
            queue_link(tx, person, invited_by=_name_inviter(session), now=actor.now)
            _audit(tx, actor, "invite administrator", person, role=role)
    except (InvalidAddress, InvalidChange) as error:
        return _render(ctx, session, problem=str(error), form=form)
    return _render(ctx, session, done=f"{person.name} gets an email with a link that works for seven days.")


@router.post(HOME + "/{pid}/role")
def change_role(ctx: AdminContext, actor: OwnerActor, form: AdminForm, pid: str) -> Response:
    """Change a role; 409 if somebody else changed it since the form was shown."""
    role = _parse_role(form)
    with ctx.services.store.begin() as tx:
        person = tx.administrators.get(pid)
        if form.get("was") != person.role:
            raise StateConflict(f"{person.name} became {person.role} in the meantime. Check the list again.")
        if person.role is not role:
            _check_owner_remains(ctx, tx, person)
            tx.administrators.set_role(person, role)
            _audit(tx, actor, "change role", person, role=role, was=person.role)
    return RedirectResponse(HOME, 303)


@router.post(HOME + "/{pid}/invite")
def send_link_again(ctx: AdminContext, session: OwnerSession, actor: OwnerActor, pid: str) -> Response:
    """Mail the link once more, at most once a minute."""
    with ctx.services.store.begin() as tx:
        person = tx.administrators.get(pid)
        if queue_link(tx, person, invited_by=_name_inviter(session), now=actor.now):
            _audit(tx, actor, "invite administrator", person, role=person.role)
    return _render(ctx, session, done=f"{person.name} gets an email with a link that works for seven days.")


@router.get(HOME + "/{pid}/remove")
def ask_before_removal(ctx: AdminContext, session: OwnerSession, pid: str) -> Response:
    """Ask whether to remove an administrator, and say what will be gone."""
    with ctx.services.store.begin(write=False) as tx:
        person = tx.administrators.get(pid)
        tokens = tx.administrators.list_tokens(person)
        sessions = tx.administrators.list_sessions(now=ctx.clock(), administrator=person)
    return ctx.pages.render(
        "admin/remove_administrator",
        session=session,
        person=person,
        sessions=len(sessions),
        tokens=len(tokens),
    )


@router.post(HOME + "/{pid}/remove")
def remove_administrator(ctx: AdminContext, actor: OwnerActor, pid: str) -> Response:
    """Remove an administrator with all sessions and tokens."""
    with ctx.services.store.begin() as tx:
        person = tx.administrators.get(pid)
        _check_owner_remains(ctx, tx, person)
        tx.administrators.remove(person, now=actor.now)
        _audit(tx, actor, "remove administrator", person)
    return RedirectResponse(HOME, 303)


def _name_inviter(session: Session) -> str:
    return session.label if session.administrator else "An administrator"  # a token means nothing to them


def _check_owner_remains(ctx: WebContext, tx: Transaction, person: Administrator) -> None:
    """Raise StateConflict if nobody could administer the administrators without this owner."""
    is_last = person.role is Role.OWNER and not tx.administrators.count_other_owners(person)
    if is_last and not ctx.admin_sessions.has_admin_token:
        raise StateConflict(f"{person.name} is the only owner. Make somebody else an owner first.")


def _parse_name(form: AdminForm) -> str:
    name = " ".join(str(form.get("name", "")).split())
    if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise InvalidChange(f"Write a name of at most {MAX_NAME_CHARS} characters.")
    return name


def _parse_role(form: AdminForm) -> Role:
    try:
        return Role(str(form.get("role", "")))
    except ValueError as error:
        raise InvalidChange(f"Choose a role: {', '.join(Role)}.") from error


def _audit(tx: Transaction, actor: Actor, action: str, person: Administrator, **detail: object) -> None:
    actor.write_audit(tx, action, person.public_id, {**detail, "name": person.name})


def _render(
    ctx: WebContext, session: Session, *, done: str = "", problem: str = "", form: AdminForm | None = None
) -> Response:
    with ctx.services.store.begin(write=False) as tx:
        people = tx.administrators.list_all()
    return ctx.pages.render(
        "admin/administrators",
        session=session,
        people=people,
        typed={name: str(form.get(name, "")) if form else "" for name in ("name", "email", "role")},
        done=done,
        problem=problem,
    )
