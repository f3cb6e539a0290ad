"""What does a mail provider tell us? Bounces and complaints, signed with a shared secret or by Amazon."""

from datetime import datetime
from functools import partial

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from digest.app.services import Services
from digest.delivery.bounces.mailbox import read_webhook
from digest.delivery.bounces.reports import BounceReport
from digest.models.errors import NotFound
from digest.web.context import WebContextDep

SIGNATURE = "x-digest-signature"  # t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">

router = APIRouter(include_in_schema=False)


@router.post("/webhooks/bounces")
async def bounces(request: Request, ctx: WebContextDep) -> Response:
    """One report: {"envelope": our return address, "type": "hard|soft|complaint", "code": "5.1.1"}."""
    services, now = ctx.services, ctx.clock()
    secret = services.settings.bounce_secret.get_secret_value()
    if not secret:
        raise NotFound("There is no webhook here.")
    report = read_webhook(
        await request.body(),
        request.headers.get(SIGNATURE, ""),
        secret=secret.encode(),
        keys=services.keyring,
        now=now.timestamp(),
    )
    return await _heard(services, report, now)


@router.post("/webhooks/ses")
async def ses(request: Request, ctx: WebContextDep) -> Response:
    """A message of Amazon SNS, for one of the topics the operator named: SES tells what came back."""
    services, now = ctx.services, ctx.clock()
    if not services.settings.sns_topics:
        raise NotFound("There is no webhook here.")
    report = await services.topics.take(await request.body(), now=now)
    return await _heard(services, report, now)


async def _heard(services: Services, report: BounceReport | None, now: datetime) -> Response:
    """In a thread: whoever writes may have to wait for another writer."""
    is_news = report is not None and await to_thread.run_sync(partial(services.hear, report, now=now))
    return JSONResponse({"heard": is_news})
