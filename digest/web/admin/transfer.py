"""Import of subscribers from a file, checked first if asked, and export of all as CSV."""

import io
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from digest.models.errors import InvalidChange
from digest.subscribers.transfer import export_csv, import_file
from digest.web.actors import describe_actors
from digest.web.admin.auth import AdminActor, AdminContext, AdminForm, CurrentSession
from digest.web.admin.bulk import parse_selection
from digest.web.admin_session import Session
from digest.web.context import WebContext
from digest.web.routing import create_router

HOME = "/admin/import"

router = create_router(include_in_schema=False)


def _get_file(form: AdminForm) -> UploadFile:
    """Return the uploaded file; an empty one without a name if there is none."""
    upload = form.get("file")
    return upload if isinstance(upload, UploadFile) else UploadFile(io.BytesIO(), filename="")


UploadedFile = Annotated[UploadFile, Depends(_get_file)]


@router.get(HOME)
def show_import(ctx: AdminContext, session: CurrentSession) -> Response:
    """Show the import form."""
    return _render(ctx, session)


@router.post(HOME)
def run_import(
    ctx: AdminContext, session: CurrentSession, actor: AdminActor, form: AdminForm, file: UploadedFile
) -> Response:
    """Import the file, or only check it."""
    dry_run = "dry_run" in form
    try:
        report = import_file(
            ctx.services.store,
            file.file,
            actor=actor,
            confirmed="confirmed" in form,
            dry_run=dry_run,
            defaults=ctx.services.default_settings,
            file_name=file.filename or "",
        )
    except InvalidChange as error:
        return _render(ctx, session, problem=str(error))
    return _render(ctx, session, report=report, dry_run=dry_run)


@router.get(HOME + "/{report_id}")
def show_report(ctx: AdminContext, session: CurrentSession, report_id: str) -> Response:
    """Show the report of an import."""
    with ctx.services.store.begin(write=False) as tx:
        stored = tx.import_reports.get(report_id)
        names = describe_actors(tx, [stored.actor])
    return ctx.pages.render(
        "admin/import_report",
        session=session,
        stored=stored,
        actor=names[stored.actor],
    )


@router.get("/admin/export.csv")
def export_subscribers(ctx: AdminContext, _: CurrentSession, request: Request) -> Response:
    """Return the subscribers that match the query as CSV; all if there is none."""
    criteria = parse_selection(ctx, request.url.query)
    headers = {"content-disposition": 'attachment; filename="subscribers.csv"'}
    return StreamingResponse(export_csv(ctx.services.store, criteria), media_type="text/csv", headers=headers)


def _render(ctx: WebContext, session: Session, **values: Any) -> Response:
    with ctx.services.store.begin(write=False) as tx:
        imports = tx.import_reports.list_latest()
    return ctx.pages.render("admin/import", session=session, imports=imports, **values)
