"""Is it really Amazon that calls? A message of SNS is believed when Amazon's certificate vouches for it."""

import base64
import json
import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx

from digest.delivery.bounces.reports import BounceReport, meaning
from digest.delivery.bounces.return_path import delivery_behind
from digest.models import BounceKind
from digest.models.errors import ConfigError, DeliveryError, InvalidToken

NO_COMPLAINT = ("not-spam", "auth-failure", "virus")  # feedback types by which nobody asks to be left alone
HARD = ("NoEmail", "Suppressed", "OnAccountSuppressionList")  # kinds of permanent bounce that need no status


def read_notification(message: str, *, raw_hash: str, keys: Sequence[bytes]) -> BounceReport | None:
    """What a notification (or an event of event publishing) says; None when it is of another kind or forged.

    `mail.source` is the envelope sender we gave, so it names the delivery and is signed by ourselves.
    """
    try:
        said = json.loads(message)
        kind, code = _said(said)
        pid = delivery_behind(str(said["mail"]["source"]), keys=keys)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None
    return BounceReport(pid, kind, code[:40], raw_hash) if pid and kind else None


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


if TYPE_CHECKING:
    from cryptography.x509 import Certificate
LASTS = timedelta(hours=1)  # so long SNS tries at most; what it says again counts once anyway
AHEAD = timedelta(minutes=5)  # so much may its clock be before ours
MOST_CERTIFICATES, MOST_BYTES, PATIENCE = 8, 64 * 1024, 10.0
NOTIFICATION, SUBSCRIPTION = "Notification", "SubscriptionConfirmation"
SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_TOPIC = re.compile(r"arn:aws(-cn|-us-gov)?:sns:([a-z0-9-]{3,32}):\d{12}:[\w.-]{1,256}")
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{16,64}\.pem")


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """A message that says it comes from SNS, for a topic of ours; nobody has vouched for it yet."""

    kind: str
    topic: str
    message: str
    message_id: str
    certificate_url: str
    subscribe_url: str
    version: str
    signature: bytes
    signed: bytes  # what the signature is made of


class Topics:
    """The topics the operator named, and Amazon's certificates as far as they were needed."""

    def __init__(self, allowed: Collection[str], *, keys: Sequence[bytes]) -> None:
        self._allowed = frozenset(allowed)
        self._keys = keys
        self._certificates: OrderedDict[str, bytes] = OrderedDict()

    async def take(self, body: bytes, *, now: datetime) -> BounceReport | None:
        """What a message says about a delivery. A subscription of one of our topics to us is confirmed.

        Raises InvalidToken unless Amazon signed it lately and for a topic of ours, and DeliveryError when
        Amazon cannot be asked: it will send the message again.
        """
        posted = read_posted(body, allowed=self._allowed, now=now)
        verify(posted, await self._certificate(posted.certificate_url), now=now)
        if posted.kind == SUBSCRIPTION:
            await _fetch(posted.subscribe_url)
            return None
        name = sha256(f"sns/{posted.topic}/{posted.message_id}".encode()).hexdigest()
        return read_notification(posted.message, raw_hash=name, keys=self._keys)

    async def _certificate(self, url: str) -> bytes:
        if url not in self._certificates:
            self._certificates[url] = await _fetch(url)
            if len(self._certificates) > MOST_CERTIFICATES:
                self._certificates.popitem(last=False)
        return self._certificates[url]


def read_posted(body: bytes, *, allowed: Collection[str], now: datetime) -> SnsMessage:
    """A message with everything about it checked that needs no certificate; InvalidToken otherwise."""
    try:
        said = json.loads(body)
        kind, topic = str(said["Type"]), str(said["TopicArn"])
        at = datetime.fromisoformat(str(said["Timestamp"]))
        posted = SnsMessage(
            kind=kind,
            topic=topic,
            message=str(said["Message"]),
            message_id=str(said["MessageId"]),
            certificate_url=str(said["SigningCertURL"]),
            subscribe_url=str(said.get("SubscribeURL", "")),
            version=str(said["SignatureVersion"]),
            signature=base64.b64decode(str(said["Signature"]), validate=True),
            signed="".join(f"{name}\n{said[name]}\n" for name in SIGNED[kind] if name in said).encode(),
        )
        is_timely = -AHEAD <= now - at <= LASTS
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidToken("This is no message of Amazon SNS.") from error
    if not (topic in allowed and is_timely and _is_amazons(posted)):
        raise InvalidToken("This is not for a topic of ours, not lately sent, or not from Amazon.")
    return posted


def verify(posted: SnsMessage, certificate: bytes, *, now: datetime) -> None:
    """InvalidToken unless this certificate is in force and its key made the signature."""
    try:
        from cryptography import x509  # noqa: PLC0415  an extra
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  the same
    except ImportError as error:
        raise ConfigError("Messages of Amazon need an extra: pip install 'digest[ses]'.") from error
    try:
        _verify(posted, x509.load_pem_x509_certificate(certificate), now)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise InvalidToken("Amazon did not sign this.") from error


def _verify(posted: SnsMessage, certificate: "Certificate", now: datetime) -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415  an extra
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415  the same
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256  # noqa: PLC0415  the same

    key = certificate.public_key()
    if not (certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc):
        raise ValueError("not in force")
    if not isinstance(key, RSAPublicKey) or posted.version not in ("1", "2"):
        raise TypeError("not signed as SNS signs")
    hashed = SHA1() if posted.version == "1" else SHA256()  # noqa: S303  version 1 is theirs, and the default
    key.verify(posted.signature, posted.signed, PKCS1v15(), hashed)


def _is_amazons(posted: SnsMessage) -> bool:
    """Certificate and confirmation come from the host of the topic's own region, and from nowhere else."""
    found = _TOPIC.fullmatch(posted.topic)
    if found is None:
        return False
    host = f"sns.{found[2]}.amazonaws.com" + (".cn" if found[1] == "-cn" else "")
    if not posted.certificate_url.startswith(f"https://{host}/"):
        return False
    path = posted.certificate_url.removeprefix(f"https://{host}")
    is_ours = _CERTIFICATE_PATH.fullmatch(path) is not None
    return is_ours and (posted.kind != SUBSCRIPTION or _confirms(posted, host))


def _confirms(posted: SnsMessage, host: str) -> bool:
    parts = urlsplit(posted.subscribe_url)
    asked = parse_qs(parts.query)
    for_us = asked.get("Action") == ["ConfirmSubscription"] and asked.get("TopicArn") == [posted.topic]
    return for_us and (parts.scheme, parts.netloc, parts.path) == ("https", host, "/")


async def _fetch(url: str) -> bytes:
    """What Amazon has there; no redirect is followed, and no endless answer is read."""
    try:
        async with (
            httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False) as client,
            client.stream("GET", url) as answer,
        ):
            read = b""
            async for piece in answer.aiter_bytes():
                read += piece
                if len(read) > MOST_BYTES:
                    raise DeliveryError("Amazon SNS answered with more than a certificate.")
    except httpx.HTTPError as error:
        raise DeliveryError(f"Amazon SNS could not be asked: {type(error).__name__}.") from error
    if answer.status_code != httpx.codes.OK:
        raise DeliveryError(f"Amazon SNS answered {answer.status_code}.")
    return read
