"""The demo's mail server: it speaks real SMTP and keeps messages unchanged."""

from email.message import EmailMessage
from urllib.parse import urlsplit

import aiosmtplib

from digest.tools.demo.mail_server import MailServer


def make_message(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@sample.example", "b@sample.example", subject
    message.set_content("A line.\n.A line with a dot in front.\n", cte="quoted-printable")
    return message


async def send_message(server: MailServer, message: EmailMessage) -> str:
    port = urlsplit(server.url).port
    _, reply = await aiosmtplib.send(message, hostname="127.0.0.1", port=port, start_tls=False)
    return reply


async def test_a_mail_arrives_with_its_envelope_and_every_byte() -> None:
    async with MailServer() as server:
        reply = await send_message(server, make_message("Ένα"))
    (received,) = server.received
    assert (received.mail_from, received.rcpt_to) == ("a@sample.example", ("b@sample.example",))
    assert received.parse()["Subject"] == "Ένα"
    assert received.parse().get_content().splitlines() == ["A line.", ".A line with a dot in front."]
    assert "queued as" in reply


async def test_mails_are_kept_in_order() -> None:
    async with MailServer() as server:
        for subject in ("one", "two"):
            await send_message(server, make_message(subject))
    assert [received.parse()["Subject"] for received in server.received] == ["one", "two"]
