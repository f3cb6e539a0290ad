"""The demo's mail server speaks real SMTP and changes nothing of what it is given."""

from email.message import EmailMessage
from urllib.parse import urlsplit

import aiosmtplib

from digest.tools.demo.mail_server import MailServer


def letter(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@sample.example", "b@sample.example", subject
    message.set_content("A line.\n.A line with a dot in front.\n", cte="quoted-printable")
    return message


async def send(mailbox: MailServer, message: EmailMessage) -> str:
    port = urlsplit(mailbox.url).port
    _, reply = await aiosmtplib.send(message, hostname="127.0.0.1", port=port, start_tls=False)
    return reply


async def test_a_mail_arrives_with_its_envelope_and_every_byte() -> None:
    async with MailServer() as mailbox:
        reply = await send(mailbox, letter("Ένα"))
    (received,) = mailbox.received
    assert (received.mail_from, received.rcpt_to) == ("a@sample.example", ("b@sample.example",))
    assert received.message()["Subject"] == "Ένα"
    assert received.message().get_content().splitlines() == ["A line.", ".A line with a dot in front."]
    assert "queued as" in reply


async def test_each_mail_is_kept_in_its_turn() -> None:
    async with MailServer() as mailbox:
        for subject in ("one", "two"):
            await send(mailbox, letter(subject))
    assert [received.message()["Subject"] for received in mailbox.received] == ["one", "two"]
