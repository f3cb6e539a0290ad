"""Is a message of Amazon's believed, and nobody else's?"""

import base64
import json
from datetime import datetime, timedelta

import httpx
import pytest
import respx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from digest.delivery.bounces.amazon import SIGNED, Topics, read_notification
from digest.delivery.bounces.reports import BounceReport
from digest.delivery.bounces.return_path import return_address
from digest.models import BounceKind
from digest.models.errors import DeliveryError, InvalidToken
from tests.factories import NOW

KEY = b"the key of the house"
PID = "abcdefgh234567zz"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
CONFIRM = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
AMAZON = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)

Message = dict[str, str]


def certificate(*, until: datetime = NOW + timedelta(days=90)) -> bytes:
    """A certificate for Amazon's key, as it lies at Amazon."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(AMAZON.public_key())
        .serial_number(1).not_valid_before(NOW - timedelta(days=90)).not_valid_after(until)
    )  # fmt: skip
    return made.sign(AMAZON, SHA256()).public_bytes(Encoding.PEM)


def notification(**said: object) -> str:
    """What SES says, about a delivery of ours unless told otherwise."""
    mail = {"source": return_address(PID, domain="bounce.papers.test", key=KEY)}
    return json.dumps({"mail": mail, **said})


def bounce(kind: str = "Permanent", *, finer: str = "General", status: str = "5.1.1") -> str:
    recipients = [{"emailAddress": "ada@example.com", "status": status, "action": "failed"}]
    told = {"bounceType": kind, "bounceSubType": finer, "bouncedRecipients": recipients}
    return notification(notificationType="Bounce", bounce=told)


def posted(*, key: rsa.RSAPrivateKey = AMAZON, version: str = "2", **said: str) -> bytes:
    """A message as SNS posts it."""
    message: Message = {
        "Type": "Notification", "MessageId": "22b80b92", "TopicArn": TOPIC, "Message": bounce(),
        "Timestamp": "2026-11-23T09:29:00.000Z", "SignatureVersion": version, "SigningCertURL": CERTIFICATE,
        **said,
    }  # fmt: skip
    names = SIGNED.get(message["Type"], ())
    signed = "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode()
    hashed = SHA1() if version == "1" else SHA256()  # noqa: S303  version 1 is theirs
    message["Signature"] = base64.b64encode(key.sign(signed, PKCS1v15(), hashed)).decode()
    return json.dumps(message).encode()


def subscription(**said: str) -> bytes:
    told = {"Type": "SubscriptionConfirmation", "Token": "2336412f37", "SubscribeURL": CONFIRM}
    return posted(**(told | said))  # type: ignore[arg-type]  # fields, and none of the options


@pytest.fixture
def amazon(respx_mock: respx.MockRouter) -> respx.Route:
    """Amazon, with its certificate."""
    return respx_mock.get(CERTIFICATE).respond(content=certificate())


def topics() -> Topics:
    return Topics([TOPIC], keys=[KEY])


async def take(body: bytes, *, now: datetime = NOW) -> BounceReport | None:
    return await topics().take(body, now=now)


@pytest.mark.parametrize("version", ["1", "2"])
async def test_what_amazon_signed_is_believed_and_its_certificate_fetched_once(
    amazon: respx.Route, version: str
) -> None:
    ours = topics()
    first = await ours.take(posted(version=version), now=NOW)
    again = await ours.take(posted(version=version, Subject="with a subject"), now=NOW)
    assert first is not None
    assert (first.pid, first.kind, first.code) == (PID, BounceKind.HARD, "5.1.1")
    assert again == first  # the same MessageId is the same news
    assert amazon.call_count == 1


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "Type"])
async def test_no_field_that_is_signed_can_be_changed(amazon: respx.Route, name: str) -> None:
    said = json.loads(posted())
    other = {"Message": bounce("Transient"), "Timestamp": "2026-11-23T09:28:00Z", "Type": "Nothing"}
    said[name] = other.get(name, "another")
    with pytest.raises(InvalidToken):
        await take(json.dumps(said).encode())


async def test_a_strangers_signature_is_none(amazon: respx.Route) -> None:
    with pytest.raises(InvalidToken):
        await take(posted(key=STRANGER))
    with pytest.raises(InvalidToken):
        await take(posted(SignatureVersion="3"))


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE.replace("https:", "http:"),
        CERTIFICATE.replace("eu-west-1", "us-east-1"),
        CERTIFICATE.replace("amazonaws.com/", "amazonaws.com.evil.test/"),
        CERTIFICATE.replace("https://", "https://evil.test/"),
        CERTIFICATE.replace("https://", "https://evil.test@"),
        CERTIFICATE.replace("/Simple", ":8443/Simple"),
        f"https://evil.test/{CERTIFICATE}",
        f"{HOST}/?Action=GetTopicAttributes&x=/SimpleNotificationService-0123456789abcdef.pem",
        f"{CERTIFICATE}?x", f"{CERTIFICATE}#x", f"{CERTIFICATE}\n", f"{HOST}/../x.pem", "",
    ],
)  # fmt: skip
async def test_a_certificate_from_anywhere_else_is_not_even_fetched(
    respx_mock: respx.MockRouter, url: str
) -> None:
    with pytest.raises(InvalidToken):
        await take(posted(SigningCertURL=url))
    assert not respx_mock.calls


@pytest.mark.parametrize(
    "topic",
    [
        "arn:aws:sns:eu-west-1:123456789012:others",
        "arn:aws:sns:us-east-1:123456789012:bounces",
        "",
        TOPIC + "\n",
    ],
)
async def test_a_topic_that_nobody_named_is_nobodys(respx_mock: respx.MockRouter, topic: str) -> None:
    with pytest.raises(InvalidToken):
        await take(posted(TopicArn=topic))
    with pytest.raises(InvalidToken):
        await take(subscription(TopicArn=topic))
    assert not respx_mock.calls


@pytest.mark.parametrize("hours", [-1, 1.1, 24])
async def test_an_old_message_and_one_of_tomorrow_are_refused(
    respx_mock: respx.MockRouter, hours: float
) -> None:
    with pytest.raises(InvalidToken):
        await take(posted(), now=NOW + timedelta(hours=hours))


async def test_a_certificate_that_has_run_out_vouches_for_nothing(respx_mock: respx.MockRouter) -> None:
    respx_mock.get(CERTIFICATE).respond(content=certificate(until=NOW - timedelta(days=1)))
    with pytest.raises(InvalidToken):
        await take(posted())


async def test_a_subscription_of_our_topic_is_confirmed(
    amazon: respx.Route, respx_mock: respx.MockRouter
) -> None:
    asked = respx_mock.get(CONFIRM).respond(text="<ConfirmSubscriptionResponse/>")
    assert await take(subscription()) is None
    assert asked.called


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/?Action=ConfirmSubscription",
        CONFIRM.replace("eu-west-1", "us-east-1"),
        CONFIRM.replace("ConfirmSubscription", "DeleteTopic"),
        CONFIRM.replace(":bounces", ":others"),
        CONFIRM.replace("amazonaws.com/", "amazonaws.com:1/"),
        CONFIRM.replace("https:", "http:"),
        CONFIRM + "&Action=DeleteTopic",
    ],
)
async def test_nothing_else_is_ever_visited(respx_mock: respx.MockRouter, url: str) -> None:
    with pytest.raises(InvalidToken):
        await take(subscription(SubscribeURL=url))
    assert not respx_mock.calls


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 302, "headers": {"location": "https://evil.test/cert.pem"}},
        {"status_code": 500},
        {"content": b"x" * 100_000},
        {"side_effect": httpx.ConnectTimeout},
    ],
)
async def test_amazon_that_cannot_be_asked_is_asked_to_come_again(
    respx_mock: respx.MockRouter, answer: dict[str, object]
) -> None:
    there = respx_mock.get(CERTIFICATE)
    if effect := answer.pop("side_effect", None):
        there.mock(side_effect=effect)  # type: ignore[arg-type]  # an exception
    else:
        there.respond(**answer)  # type: ignore[arg-type]  # the parts of an answer
    with pytest.raises(DeliveryError):
        await take(posted())


async def test_what_lies_there_and_is_no_certificate_vouches_for_nothing(
    respx_mock: respx.MockRouter,
) -> None:
    respx_mock.get(CERTIFICATE).respond(content=b"<html>")
    with pytest.raises(InvalidToken):
        await take(posted())


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'{"Type": 7}', b"\xff", b"[" * 50_000])
async def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidToken):
        await take(body)


# ---- what SES says


def heard(message: str) -> BounceReport | None:
    return read_notification(message, raw_hash="x", keys=[KEY])


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (bounce(), BounceKind.HARD),
        (bounce(status="5.7.1"), BounceKind.OTHER),
        (bounce(status=""), BounceKind.UNSURE),
        (bounce(finer="NoEmail", status=""), BounceKind.HARD),
        (bounce(finer="OnAccountSuppressionList", status=""), BounceKind.HARD),
        (bounce("Transient", finer="MailboxFull", status="5.2.2"), BounceKind.SOFT),
        (bounce("Transient", finer="ContentRejected", status=""), BounceKind.OTHER),
        (bounce("Undetermined", finer="Undetermined", status=""), BounceKind.OTHER),
        (notification(notificationType="Complaint", complaint={}), BounceKind.COMPLAINT),
        (
            notification(eventType="Complaint", complaint={"complaintFeedbackType": "abuse"}),
            BounceKind.COMPLAINT,
        ),
        (
            notification(eventType="Complaint", complaint={"complaintFeedbackType": "not-spam"}),
            BounceKind.OTHER,
        ),
    ],
)
def test_what_ses_says_means(message: str, kind: BounceKind) -> None:
    told = heard(message)
    assert told is not None
    assert told.kind is kind


@pytest.mark.parametrize(
    "message",
    [
        "", "[]", "{}", "Successfully validated SNS topic for Amazon SES event publishing.",
        notification(notificationType="Delivery"),
        notification(notificationType="Bounce", bounce={"bouncedRecipients": []}),
        bounce().replace(PID, "zyxwvuts234567zz"),
        bounce().replace("b+", "c+"),
    ],
)  # fmt: skip
def test_what_concerns_no_delivery_of_ours_is_nothing(message: str) -> None:
    assert heard(message) is None
