"""What does Amazon SES say came back? Bounces and complaints as JSON, each about a return address of ours."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from digest.delivery.bounces.reports import Heard, meaning
from digest.delivery.bounces.return_path import delivery_behind
from digest.models import BounceKind

NO_COMPLAINT = ("not-spam", "auth-failure", "virus")  # feedback types by which nobody asks to be left alone
HARD = ("NoEmail", "Suppressed", "OnAccountSuppressionList")  # kinds of permanent bounce that need no status


def read_notification(message: str, *, raw_hash: str, keys: Sequence[bytes]) -> Heard | None:
    """What a notification (or an event of event publishing) says; None when it is of another kind or forged.

    `mail.source` is the envelope sender we gave, so it names the delivery and is signed by ourselves.
    """
    try:
        said = json.loads(message)
        kind, code = _said(said)
        pid = delivery_behind(str(said["mail"]["source"]), keys=keys)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None
    return Heard(pid, kind, code[:40], raw_hash) if pid and kind else None


def _said(said: Mapping[str, Any]) -> tuple[BounceKind | None, str]:
    event = said.get("notificationType") or said.get("eventType")
    if event == "Complaint":
        feedback = str(said["complaint"].get("complaintFeedbackType") or "abuse")
        return (BounceKind.OTHER if feedback in NO_COMPLAINT else BounceKind.COMPLAINT), feedback
    return _bounced(said["bounce"]) if event == "Bounce" else (None, "")


def _bounced(bounce: Mapping[str, Any]) -> tuple[BounceKind, str]:
    """The mailbox's own status where it gave one; else what SES made of it."""
    status = str(bounce["bouncedRecipients"][0].get("status") or "")
    sort, finer = str(bounce["bounceType"]), str(bounce.get("bounceSubType"))
    if sort == "Permanent":
        return (BounceKind.HARD, status or finer) if finer in HARD else (_permanent(status), status or finer)
    full = finer == "MailboxFull" or (sort == "Transient" and finer == "General")
    return (BounceKind.SOFT if full else BounceKind.OTHER), status or finer


def _permanent(status: str) -> BounceKind:
    return meaning(status) if status.startswith("5") else BounceKind.UNSURE
