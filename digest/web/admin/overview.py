"""The overview page (subscribers, sources, held editions) and the audit log."""

from starlette.responses import RedirectResponse, Response

from digest.app.settings import find_misspelled_variables
from digest.models.errors import NotFound
from digest.web.admin.auth import AdminActor, AdminContext, AdminForm, CurrentSession
from digest.web.routing import create_router

MAX_LINES = 200

router = create_router(include_in_schema=False)


@router.get("/admin")
def show_overview(ctx: AdminContext, session: CurrentSession) -> Response:
    """Show counts, sources, held editions and the latest changes."""
    with ctx.services.store.begin(write=False) as tx:
        counts, papers = tx.subscribers.count_by_status(), tx.papers.count()
        sources, held = tx.sources.list_latest(), tx.sources.list_held()
        lines = tx.audit.list_latest(limit=8)
        readers = tx.subscribers.get_by_public_ids({line.subject for line in lines})
        paused, waiting = tx.meta.pause_reason, sum(tx.deliveries.count_open().values())
    tiles = [(str(status), n, f"/admin/subscribers?status={status}") for status, n in counts.items()]
    return ctx.pages.render(
        "admin/overview",
        here="/admin",
        title="Overview",
        session=session,
        tiles=[*tiles, ("mails waiting", waiting, ""), ("papers", papers, "")],
        sources=sources,
        held=held,
        lines=lines,
        readers=readers,
        paused=paused,
        misspelled=find_misspelled_variables(),
    )


@router.post("/admin/release")
def release_edition(ctx: AdminContext, actor: AdminActor, form: AdminForm) -> Response:
    """Release a held edition."""
    key = str(form.get("key", ""))
    with ctx.services.store.begin() as tx:
        if not tx.sources.release(key, actor=actor.name, at=actor.now):
            raise NotFound("This edition is not held any more.")
        tx.audit.write(actor.name, "release", key, at=actor.now)
    return RedirectResponse("/admin", 303)


@router.get("/admin/audit")
def show_audit_log(ctx: AdminContext, session: CurrentSession) -> Response:
    """Show the latest entries of the audit log."""
    with ctx.services.store.begin(write=False) as tx:
        lines = tx.audit.list_latest(limit=MAX_LINES)
        readers = tx.subscribers.get_by_public_ids({line.subject for line in lines})
    return ctx.pages.render(
        "admin/audit",
        here="/admin/audit",
        title="Audit log",
        session=session,
        lines=lines,
        readers=readers,
    )
