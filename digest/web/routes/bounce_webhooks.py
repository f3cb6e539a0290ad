"""What does a mail provider tell us? Bounces and complaints, signed with a shared secret or by Amazon."""

from datetime import datetime
from functools import partial

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from digest.app.services import House
from digest.delivery.bounces.mailbox import read_webhook
from digest.delivery.bounces.reports import Heard
from digest.models.errors import NotFound
from digest.web.context import InLobby

SIGNATURE = "x-digest-signature"  # t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">

router = APIRouter(include_in_schema=False)


@router.post("/webhooks/bounces")
async def bounces(request: Request, lobby: InLobby) -> Response:
    """One report: {"envelope": our return address, "type": "hard|soft|complaint", "code": "5.1.1"}."""
    house, now = lobby.house, lobby.clock()
    secret = house.settings.bounce_secret.get_secret_value()
    if not secret:
        raise NotFound("There is no webhook here.")
    report = read_webhook(
        await request.body(),
        request.headers.get(SIGNATURE, ""),
        secret=secret.encode(),
        keys=house.keyring,
        now=now.timestamp(),
    )
    return await _heard(house, report, now)


@router.post("/webhooks/ses")
async def ses(request: Request, lobby: InLobby) -> Response:
    """A message of Amazon SNS, for one of the topics the operator named: SES tells what came back."""
    house, now = lobby.house, lobby.clock()
    if not house.settings.sns_topics:
        raise NotFound("There is no webhook here.")
    report = await house.topics.take(await request.body(), now=now)
    return await _heard(house, report, now)


async def _heard(house: House, report: Heard | None, now: datetime) -> Response:
    """In a thread: whoever writes may have to wait for another writer."""
    is_news = report is not None and await to_thread.run_sync(partial(house.hear, report, now=now))
    return JSONResponse({"heard": is_news})
