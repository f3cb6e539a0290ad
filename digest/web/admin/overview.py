"""How is the house doing? Readers, sources, held editions, and who changed what."""

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from digest.models.errors import NotFound
from digest.web.admin.auth import MayChange, Office, OwnForm, SignedIn

LINES = 200

router = APIRouter(include_in_schema=False)


@router.get("/admin")
def overview(ctx: Office, session: SignedIn) -> Response:
    """Everything at a glance."""
    with ctx.services.store.begin(write=False) as tx:
        counts, papers = tx.subscribers.counts(), tx.papers.count()
        sources, held, lines = tx.sources.latest(), tx.sources.held(), tx.audit.latest(limit=8)
        readers = tx.subscribers.by_pids({line.subject for line in lines})
        paused, waiting = tx.meta.paused, sum(tx.deliveries.waiting().values())
    tiles = [(str(s), n, f"/admin/subscribers?status={s}") for s, n in counts.items()]
    return ctx.pages.page(
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
    )


@router.post("/admin/release")
def release(ctx: Office, by: MayChange, form: OwnForm) -> Response:
    """Let a held edition go."""
    key = str(form.get("key", ""))
    with ctx.services.store.begin() as tx:
        if not tx.sources.release(key, actor=by.actor, at=by.now):
            raise NotFound("This edition is not held any more.")
        tx.audit.write(by.actor, "release", key, at=by.now)
    return RedirectResponse("/admin", 303)


@router.get("/admin/audit")
def audit(ctx: Office, session: SignedIn) -> Response:
    """Who changed what."""
    with ctx.services.store.begin(write=False) as tx:
        lines = tx.audit.latest(limit=LINES)
        readers = tx.subscribers.by_pids({line.subject for line in lines})
    return ctx.pages.page(
        "admin/audit",
        here="/admin/audit",
        title="Audit log",
        session=session,
        lines=lines,
        readers=readers,
    )
