"""Bounces and complaints of Amazon SES, as Amazon SNS posts them, verified by Amazon's certificate."""

import base64
import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from digest.delivery.bounces.reports import NON_COMPLAINT_TYPES, build_report
from digest.delivery.bounces.return_path import parse_return_address
from digest.delivery.reply_codes import Verdict, judge_report
from digest.models import BounceKind, BounceReport
from digest.models.errors import ConfigError, DeliveryError, InvalidToken, SourceError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

SUPPRESSED_SUBTYPES = ("Suppressed", "OnAccountSuppressionList")  # SES did not send; the words are its own
CONTENT_SUBTYPES = {
    "MessageTooLarge": "too-large",
    "ContentRejected": "policy",
    "AttachmentRejected": "policy",
}
MAX_MESSAGE_AGE = timedelta(hours=1)  # SNS retries no longer; a message it repeats counts once anyway
MAX_CLOCK_SKEW = timedelta(minutes=5)  # that SNS's clock may be ahead of ours
MAX_CERTIFICATES = 8
NOTIFICATION, SUBSCRIPTION = "Notification", "SubscriptionConfirmation"
SIGNED_FIELDS = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_TOPIC = re.compile(r"arn:aws(-cn|-us-gov)?:sns:([a-z0-9-]{3,32}):\d{12}:[\w.-]{1,256}")
_CERTIFICATE_PATH = r"/SimpleNotificationService-[0-9a-f]{16,64}\.pem"


# Returns what is at a URL, without following redirects; raises SourceError if there is no good answer.
Fetch = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """A message that claims to come from SNS, for one of our topics; its signature is not yet verified."""

    kind: str
    topic: str
    content: str
    message_id: str
    certificate_url: str
    subscribe_url: str
    version: str
    signature: bytes
    signed: bytes  # what the signature is made of


class SnsReceiver:
    """Receives messages of the operator's topics; caches Amazon's certificates."""

    def __init__(self, allowed_topics: Collection[str], fetch: Fetch, *, keys: Sequence[bytes]) -> None:
        self._allowed_topics = frozenset(allowed_topics)
        self._fetch = fetch
        self._keys = keys
        self._certificates: OrderedDict[str, bytes] = OrderedDict()

    async def receive(self, body: bytes, *, now: datetime) -> BounceReport | None:
        """Verify a posted message and return its report, if any; confirm a subscription of our topics.

        Raises InvalidToken unless Amazon signed it recently and for a topic of ours, and DeliveryError when
        Amazon cannot be reached: it will send the message again.
        """
        message = parse_message(body, allowed_topics=self._allowed_topics, now=now)
        verify(message, await self._get_certificate(message.certificate_url), now=now)
        if message.kind == SUBSCRIPTION:
            await self._ask_amazon(message.subscribe_url)
            return None
        raw_hash = sha256(f"sns/{message.topic}/{message.message_id}".encode()).hexdigest()
        return parse_notification(message.content, raw_hash=raw_hash, keys=self._keys)

    async def _get_certificate(self, url: str) -> bytes:
        if url not in self._certificates:
            self._certificates[url] = await self._ask_amazon(url)
            if len(self._certificates) > MAX_CERTIFICATES:
                self._certificates.popitem(last=False)
        return self._certificates[url]

    async def _ask_amazon(self, url: str) -> bytes:
        try:
            return await self._fetch(url)
        except SourceError as error:
            raise DeliveryError(f"Amazon SNS could not be reached: {error}.") from error


# ---- messages of SNS


def parse_message(body: bytes, *, allowed_topics: Collection[str], now: datetime) -> SnsMessage:
    """Parse a message and check all that needs no certificate. Raises InvalidToken."""
    try:
        fields = json.loads(body)
        kind, topic = str(fields["Type"]), str(fields["TopicArn"])
        sent_at = datetime.fromisoformat(str(fields["Timestamp"]))
        message = SnsMessage(
            kind=kind,
            topic=topic,
            content=str(fields["Message"]),
            message_id=str(fields["MessageId"]),
            certificate_url=str(fields["SigningCertURL"]),
            subscribe_url=str(fields.get("SubscribeURL", "")),
            version=str(fields["SignatureVersion"]),
            signature=base64.b64decode(str(fields["Signature"]), validate=True),
            signed="".join(
                f"{name}\n{fields[name]}\n" for name in SIGNED_FIELDS[kind] if name in fields
            ).encode(),
        )
        is_recent = -MAX_CLOCK_SKEW <= now - sent_at <= MAX_MESSAGE_AGE
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidToken("This is not a message from Amazon SNS.") from error
    if not (topic in allowed_topics and is_recent and _has_amazon_urls(message)):
        raise InvalidToken("This is not for one of our topics, not recent, or not from Amazon.")
    return message


def verify(message: SnsMessage, certificate: bytes, *, now: datetime) -> None:
    """Raise InvalidToken unless this certificate is in force and its key made the signature."""
    try:
        from cryptography import x509  # noqa: PLC0415  an extra
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  the same
    except ImportError as error:
        raise ConfigError(
            "Messages from Amazon need an extra: pip install 'trending-papers-digest[ses]'."
        ) from error
    try:
        _verify(message, x509.load_pem_x509_certificate(certificate), now)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise InvalidToken("Amazon did not sign this.") from error


def _verify(message: SnsMessage, certificate: "Certificate", now: datetime) -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415  an extra
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415  the same
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256  # noqa: PLC0415  the same

    key = certificate.public_key()
    if not (certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc):
        raise ValueError("not in force")
    if not isinstance(key, RSAPublicKey) or message.version not in ("1", "2"):
        raise TypeError("not signed as SNS signs")
    algorithm = SHA1() if message.version == "1" else SHA256()  # noqa: S303  version 1 is SNS's default
    key.verify(message.signature, message.signed, PKCS1v15(), algorithm)


def _has_amazon_urls(message: SnsMessage) -> bool:
    """Return True if certificate and confirmation are on the host of the topic's own region, nowhere else."""
    match = _TOPIC.fullmatch(message.topic)
    if match is None:
        return False
    host = f"sns.{match[2]}.amazonaws.com" + (".cn" if match[1] == "-cn" else "")
    if not re.fullmatch(rf"https://{re.escape(host)}{_CERTIFICATE_PATH}", message.certificate_url):
        return False
    return message.kind != SUBSCRIPTION or _is_confirmation_url(message, host)


def _is_confirmation_url(message: SnsMessage, host: str) -> bool:
    parts = urlsplit(message.subscribe_url)
    query = parse_qs(parts.query)
    for_us = query.get("Action") == ["ConfirmSubscription"] and query.get("TopicArn") == [message.topic]
    return for_us and (parts.scheme, parts.netloc, parts.path) == ("https", host, "/")


# ---- notifications of SES


def parse_notification(content: str, *, raw_hash: str, keys: Sequence[bytes]) -> BounceReport | None:
    """Parse a notification (or an event of event publishing); None if it is of another kind or forged.

    `mail.source` is the envelope sender we gave, so it names the delivery and is signed by ourselves.
    """
    try:
        event = json.loads(content)
        verdict = _parse_event(event)
        public_id = parse_return_address(str(event["mail"]["source"]), keys=keys)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None
    if public_id is None or verdict is None:
        return None
    return build_report(public_id, verdict, raw_hash=raw_hash)


def _parse_event(event: Mapping[str, Any]) -> Verdict | None:
    """Return the verdict of an event; None if it is neither a complaint nor a bounce."""
    name = event.get("notificationType") or event.get("eventType")
    if name == "Complaint":
        feedback = str(event["complaint"].get("complaintFeedbackType") or "abuse")
        kind = BounceKind.OTHER if feedback in NON_COMPLAINT_TYPES else BounceKind.COMPLAINT
        return Verdict(kind, "", feedback)
    return _parse_bounce(event["bounce"]) if name == "Bounce" else None


def _parse_bounce(bounce: Mapping[str, Any]) -> Verdict:
    """Return the verdict: by the mail server's reply where there is one, else by SES's.

    Transient/General without a reply is an out-of-office note more often than not, and never counts.
    """
    recipient = bounce["bouncedRecipients"][0]
    status, reply = str(recipient.get("status") or ""), str(recipient.get("diagnosticCode") or "")
    bounce_type, subtype = str(bounce["bounceType"]), str(bounce.get("bounceSubType"))
    verdict = judge_report(status, reply) if status or reply else Verdict(BounceKind.OTHER, "")
    if bounce_type == "Permanent":
        is_known = verdict.is_explained and (status or reply)
        is_ours = is_known and verdict.kind is BounceKind.OTHER
        if subtype in SUPPRESSED_SUBTYPES or (subtype == "NoEmail" and not is_ours):
            verdict = Verdict(BounceKind.HARD, "no-mailbox")
        elif not is_known:
            verdict = Verdict(BounceKind.UNSURE, "refused")
    elif subtype == "MailboxFull" and verdict.kind is not BounceKind.HARD:
        verdict = Verdict(BounceKind.SOFT, "mailbox-full")
    elif subtype in CONTENT_SUBTYPES:
        verdict = Verdict(BounceKind.OTHER, CONTENT_SUBTYPES[subtype])
    address = str(recipient.get("emailAddress") or "")
    return replace(verdict, code=status or subtype, reply=reply, recipient=address)
