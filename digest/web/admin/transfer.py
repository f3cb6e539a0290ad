"""How do subscribers come in and go out in bulk? A file, checked first, and a CSV of everyone."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from digest.models.errors import InvalidChange
from digest.subscribers.transfer import Report, csv_of, take_in_file
from digest.web.admin.auth import MayChange, Office, OwnForm, SignedIn
from digest.web.admin_session import Session
from digest.web.context import WebContext

HOME = "/admin/import"

router = APIRouter(include_in_schema=False)


async def _content(form: OwnForm) -> bytes:
    given = form.get("file")
    return await given.read() if isinstance(given, UploadFile) else b""


Content = Annotated[bytes, Depends(_content)]


@router.get(HOME)
def ask(ctx: Office, session: SignedIn) -> Response:
    """Which file?"""
    return _page(ctx, session)


@router.post(HOME)
def take(
    ctx: Office,
    session: SignedIn,
    by: MayChange,
    form: OwnForm,
    content: Content,
) -> Response:
    """Take the file in, or only check it."""
    dry_run = "dry_run" in form
    try:
        report = take_in_file(
            ctx.services.store,
            content,
            by=by,
            confirmed="confirmed" in form,
            dry_run=dry_run,
            defaults=ctx.defaults,
        )
    except InvalidChange as error:
        return _page(ctx, session, problem=str(error))
    return _page(ctx, session, report=report, dry_run=dry_run)


@router.get("/admin/export.csv")
def export(ctx: Office, _: SignedIn) -> Response:
    """Everyone, as CSV."""
    attached = {"content-disposition": 'attachment; filename="subscribers.csv"'}
    return StreamingResponse(csv_of(ctx.services.store), media_type="text/csv", headers=attached)


def _page(
    ctx: WebContext,
    session: Session,
    *,
    report: Report | None = None,
    dry_run: bool = False,
    problem: str = "",
) -> Response:
    return ctx.pages.page(
        "admin/import",
        status=422 if problem else 200,
        here=HOME,
        title="Import subscribers",
        session=session,
        report=report,
        dry_run=dry_run,
        problems=[problem] if problem else [],
    )
