"""Messages of Amazon SNS: only those that Amazon signed are accepted; what notifications of SES mean."""

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

from digest.delivery.bounces.amazon import SIGNED_FIELDS, SnsReceiver, parse_notification
from digest.delivery.bounces.return_path import build_return_address
from digest.models import BounceKind, BounceReport
from digest.models.errors import DeliveryError, InvalidToken
from digest.sources.http.client import fetch_certificate
from tests.factories import NOW

KEY = b"the secret key of the tests"
PUBLIC_ID = "abcdefgh234567zz"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
CONFIRM_URL = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
AMAZON_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def make_certificate(*, until: datetime = NOW + timedelta(days=90)) -> bytes:
    """Return a certificate for Amazon's key (PEM)."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(AMAZON_KEY.public_key())
        .serial_number(1).not_valid_before(NOW - timedelta(days=90)).not_valid_after(until)
    )  # fmt: skip
    return builder.sign(AMAZON_KEY, SHA256()).public_bytes(Encoding.PEM)


def make_notification(**fields: object) -> str:
    """Return a notification of SES about a delivery of ours."""
    mail = {"source": build_return_address(PUBLIC_ID, domain="bounce.papers.test", key=KEY)}
    return json.dumps({"mail": mail, **fields})


def make_bounce(
    kind: str = "Permanent", *, subtype: str = "General", status: str = "5.1.1", reply: str = ""
) -> str:
    recipients = [{"emailAddress": "ada@example.com", "status": status, "diagnosticCode": reply}]
    fields = {"bounceType": kind, "bounceSubType": subtype, "bouncedRecipients": recipients}
    return make_notification(notificationType="Bounce", bounce=fields)


def make_sns_message(*, key: rsa.RSAPrivateKey = AMAZON_KEY, version: str = "2", **fields: str) -> bytes:
    """Return a signed message as SNS posts it."""
    message = {
        "Type": "Notification", "MessageId": "22b80b92", "TopicArn": TOPIC, "Message": make_bounce(),
        "Timestamp": "2026-11-23T09:29:00.000Z", "SignatureVersion": version, "SigningCertURL": CERTIFICATE,
        **fields,
    }  # fmt: skip
    names = SIGNED_FIELDS.get(message["Type"], ())
    signed = "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode()
    algorithm = SHA1() if version == "1" else SHA256()  # noqa: S303  version 1 is SNS's default
    message["Signature"] = base64.b64encode(key.sign(signed, PKCS1v15(), algorithm)).decode()
    return json.dumps(message).encode()


def make_subscription(**changes: str) -> bytes:
    fields = {"Type": "SubscriptionConfirmation", "Token": "2336412f37", "SubscribeURL": CONFIRM_URL}
    return make_sns_message(**(fields | changes))  # type: ignore[arg-type]  # fields, and none of the options


@pytest.fixture
def amazon(respx_mock: respx.MockRouter) -> respx.Route:
    """Amazon's server, with its certificate."""
    return respx_mock.get(CERTIFICATE).respond(content=make_certificate())


def make_receiver() -> SnsReceiver:
    return SnsReceiver([TOPIC], fetch_certificate, keys=[KEY])


async def receive(body: bytes, *, now: datetime = NOW) -> BounceReport | None:
    return await make_receiver().receive(body, now=now)


@pytest.mark.parametrize("version", ["1", "2"])
async def test_message_signed_by_amazon_is_accepted_and_the_certificate_fetched_once(
    amazon: respx.Route, version: str
) -> None:
    receiver = make_receiver()
    first = await receiver.receive(make_sns_message(version=version), now=NOW)
    again = await receiver.receive(make_sns_message(version=version, Subject="with a subject"), now=NOW)
    assert first is not None
    assert (first.public_id, first.kind, first.code) == (PUBLIC_ID, BounceKind.HARD, "5.1.1")
    assert again == first  # the same MessageId gives the same raw_hash
    assert amazon.call_count == 1


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "Type"])
async def test_no_signed_field_can_be_changed(amazon: respx.Route, name: str) -> None:
    fields = json.loads(make_sns_message())
    changes = {"Message": make_bounce("Transient"), "Timestamp": "2026-11-23T09:28:00Z", "Type": "Nothing"}
    fields[name] = changes.get(name, "another")
    with pytest.raises(InvalidToken):
        await receive(json.dumps(fields).encode())


async def test_foreign_signature_is_refused(amazon: respx.Route) -> None:
    with pytest.raises(InvalidToken):
        await receive(make_sns_message(key=OTHER_KEY))
    with pytest.raises(InvalidToken):
        await receive(make_sns_message(SignatureVersion="3"))


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
async def test_certificate_from_another_url_is_not_fetched(respx_mock: respx.MockRouter, url: str) -> None:
    with pytest.raises(InvalidToken):
        await receive(make_sns_message(SigningCertURL=url))
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
async def test_topic_that_is_not_allowed_is_refused(respx_mock: respx.MockRouter, topic: str) -> None:
    with pytest.raises(InvalidToken):
        await receive(make_sns_message(TopicArn=topic))
    with pytest.raises(InvalidToken):
        await receive(make_subscription(TopicArn=topic))
    assert not respx_mock.calls


@pytest.mark.parametrize("hours", [-1, 1.1, 24])
async def test_message_that_is_too_old_or_in_the_future_is_refused(
    respx_mock: respx.MockRouter, hours: float
) -> None:
    with pytest.raises(InvalidToken):
        await receive(make_sns_message(), now=NOW + timedelta(hours=hours))


async def test_expired_certificate_is_refused(respx_mock: respx.MockRouter) -> None:
    respx_mock.get(CERTIFICATE).respond(content=make_certificate(until=NOW - timedelta(days=1)))
    with pytest.raises(InvalidToken):
        await receive(make_sns_message())


async def test_subscription_of_our_topic_is_confirmed(
    amazon: respx.Route, respx_mock: respx.MockRouter
) -> None:
    confirmation = respx_mock.get(CONFIRM_URL).respond(text="<ConfirmSubscriptionResponse/>")
    assert await receive(make_subscription()) is None
    assert confirmation.called


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/?Action=ConfirmSubscription",
        CONFIRM_URL.replace("eu-west-1", "us-east-1"),
        CONFIRM_URL.replace("ConfirmSubscription", "DeleteTopic"),
        CONFIRM_URL.replace(":bounces", ":others"),
        CONFIRM_URL.replace("amazonaws.com/", "amazonaws.com:1/"),
        CONFIRM_URL.replace("https:", "http:"),
        CONFIRM_URL + "&Action=DeleteTopic",
    ],
)
async def test_no_other_subscribe_url_is_visited(respx_mock: respx.MockRouter, url: str) -> None:
    with pytest.raises(InvalidToken):
        await receive(make_subscription(SubscribeURL=url))
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
async def test_unreachable_amazon_raises_so_that_sns_sends_again(
    respx_mock: respx.MockRouter, answer: dict[str, object]
) -> None:
    route = respx_mock.get(CERTIFICATE)
    if effect := answer.pop("side_effect", None):
        route.mock(side_effect=effect)  # type: ignore[arg-type]  # an exception
    else:
        route.respond(**answer)  # type: ignore[arg-type]  # the parts of a response
    with pytest.raises(DeliveryError):
        await receive(make_sns_message())


async def test_answer_that_is_no_certificate_is_refused(
    respx_mock: respx.MockRouter,
) -> None:
    respx_mock.get(CERTIFICATE).respond(content=b"<html>")
    with pytest.raises(InvalidToken):
        await receive(make_sns_message())


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'{"Type": 7}', b"\xff", b"[" * 50_000])
async def test_body_that_is_no_sns_message_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidToken):
        await receive(body)


# ---- notifications of SES


def parse(message: str) -> BounceReport | None:
    return parse_notification(message, raw_hash="x", keys=[KEY])


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (make_bounce(), BounceKind.HARD),
        (make_bounce(status="5.7.1"), BounceKind.OTHER),
        (make_bounce(status=""), BounceKind.UNSURE),
        (make_bounce(subtype="NoEmail", status=""), BounceKind.HARD),
        (make_bounce(subtype="OnAccountSuppressionList", status=""), BounceKind.HARD),
        (make_bounce("Transient", subtype="MailboxFull", status="5.2.2"), BounceKind.SOFT),
        (make_bounce("Transient", subtype="ContentRejected", status=""), BounceKind.OTHER),
        (make_bounce("Transient", subtype="General", status=""), BounceKind.OTHER),  # an out-of-office note
        (make_bounce("Transient", subtype="General", status="4.7.0"), BounceKind.OTHER),
        (make_bounce("Transient", subtype="General", status="4.4.1"), BounceKind.SOFT),
        (make_bounce(subtype="NoEmail", status="5.7.1"), BounceKind.OTHER),
        (
            make_bounce(subtype="OnAccountSuppressionList", reply="The address is on your account's list."),
            BounceKind.HARD,
        ),
        (make_bounce("Undetermined", subtype="Undetermined", status=""), BounceKind.OTHER),
        (make_notification(notificationType="Complaint", complaint={}), BounceKind.COMPLAINT),
        (
            make_notification(eventType="Complaint", complaint={"complaintFeedbackType": "abuse"}),
            BounceKind.COMPLAINT,
        ),
        (
            make_notification(eventType="Complaint", complaint={"complaintFeedbackType": "not-spam"}),
            BounceKind.OTHER,
        ),
    ],
)
def test_parse_notification(message: str, kind: BounceKind) -> None:
    report = parse(message)
    assert report is not None
    assert report.kind is kind


@pytest.mark.parametrize(
    "message",
    [
        "", "[]", "{}", "Successfully validated SNS topic for Amazon SES event publishing.",
        make_notification(notificationType="Delivery"),
        make_notification(notificationType="Bounce", bounce={"bouncedRecipients": []}),
        make_bounce().replace(PUBLIC_ID, "zyxwvuts234567zz"),
        make_bounce().replace("b+", "c+"),
    ],
)  # fmt: skip
def test_notification_about_no_delivery_of_ours_is_ignored(message: str) -> None:
    assert parse(message) is None
