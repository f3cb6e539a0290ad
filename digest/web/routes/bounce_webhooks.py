"""Webhooks for bounces and complaints, signed with a shared secret or by Amazon SNS."""

from datetime import datetime
from functools import partial

from anyio import to_thread
from fastapi import Request
from starlette.responses import JSONResponse, Response

from digest.app.services import Services
from digest.delivery.bounces.mailbox import read_webhook
from digest.models import BounceReport
from digest.models.errors import NotFound
from digest.web.context import WebContextDep
from digest.web.routing import create_router

SIGNATURE_HEADER = "x-digest-signature"  # t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">

router = create_router(include_in_schema=False)


@router.post("/webhooks/bounces")
async def receive_bounce(request: Request, ctx: WebContextDep) -> Response:
    """Record one report: {"envelope": our return address, "type": "hard|soft|complaint", "code": "5.1.1"}."""
    services, now = ctx.services, ctx.clock()
    secret = services.settings.bounce_secret.get_secret_value()
    if not secret:
        raise NotFound("There is no webhook here.")
    report = read_webhook(
        await request.body(),
        request.headers.get(SIGNATURE_HEADER, ""),
        secret=secret.encode(),
        keys=services.signing_keys,
        now=now.timestamp(),
    )
    return await _record(services, report, now)


@router.post("/webhooks/ses")
async def receive_ses_message(request: Request, ctx: WebContextDep) -> Response:
    """Record the bounce or complaint in a message of one of the SNS topics of the settings."""
    services, now = ctx.services, ctx.clock()
    if not services.settings.sns_topics:
        raise NotFound("There is no webhook here.")
    report = await services.sns_receiver.receive(await request.body(), now=now)
    return await _record(services, report, now)


async def _record(services: Services, report: BounceReport | None, now: datetime) -> Response:
    # In a thread: a write may have to wait for another writer.
    is_news = report is not None and await to_thread.run_sync(
        partial(services.record_bounce, report, now=now)
    )
    return JSONResponse({"heard": is_news})
