"""Alerts to the operator's channel: the newest one waits in the database until the channel takes it."""

import logging
from datetime import datetime

from digest.db import Database
from digest.delivery.channels.admin_channel import AdminChannel
from digest.delivery.reply_codes import Action
from digest.pipeline.alerts import ALERT_TTL, CHANNEL_ALERT_KEY, WaitingAlert

log = logging.getLogger(__name__)
ENDS = frozenset({Action.ACCEPT, Action.UNCERTAIN, Action.REJECT})  # after these it is not sent again


async def send_channel_alert(store: Database, channel: AdminChannel | None, now: datetime) -> bool:
    """Send the alert that waits for the operator's channel, if one does; return whether it was accepted.

    What cannot be sent now is tried again in the next run, for a day. A newer alert takes its place: it tells
    of all that is wrong.
    """
    with store.begin(write=False) as tx:
        waiting = tx.meta.read(CHANNEL_ALERT_KEY)
    if not waiting or channel is None:
        return False
    alert = WaitingAlert.model_validate_json(waiting)
    reply = await channel.send(alert.title, alert.text)
    if reply.action is not Action.ACCEPT:
        log.warning("alert not sent to the channel", extra={"reason": reply.reason})
    if reply.action in ENDS or now - alert.at >= ALERT_TTL:
        with store.begin() as tx:
            if tx.meta.read(CHANNEL_ALERT_KEY) == waiting:
                tx.meta.delete(CHANNEL_ALERT_KEY)
    return reply.action is Action.ACCEPT
