"""The cases handed in with reports of other products: replies and returned mails, with their right values."""

import os
from pathlib import Path

import pytest

from digest.delivery.bounces.amazon import parse_notification
from digest.delivery.bounces.mailbox import read_bounces
from digest.delivery.bounces.reports import parse_report
from digest.delivery.bounces.return_path import build_return_address
from digest.delivery.smtp.transport import SmtpServerConfig
from digest.models import BounceKind, BounceReport, Status, Subscriber
from digest.models.errors import ConfigError
from tests.delivery.harness import SUPPRESSION_KEY, DeliveryHarness, make_smtp_route
from tests.smtp_server import RawReply, SmtpServer

CASES = Path(os.environ.get("DIGEST_CASES", Path(__file__).parents[3] / "shared" / "cases")) / "mail"
KEY = b"the key of the cases"
TOKEN = "k1k1.abcdefgh234567zz.aaaabbbbccccddddeeee"
COPY = f"Subject: your papers\nList-Unsubscribe: <https://papers.example/u/{TOKEN}>\n\nHi.\n"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases at {CASES}; set DIGEST_CASES")


def read_rows(name: str) -> list[list[str]]:
    lines = (CASES / name).read_text().splitlines() if CASES.is_dir() else []
    return [line.split("\t") for line in lines]


@needs_cases
@pytest.mark.parametrize("row", read_rows("smtp-replies.tsv")[1:], ids=lambda row: row[0])
async def test_reply_of_a_case(harness: DeliveryHarness, server: SmtpServer, row: list[str]) -> None:
    _, step, reply, days, status, _ = row
    lines = reply.replace("\\r\\n", "\n").split("\n")
    raw = "\r\n".join([*lines[:-1], f"{lines[-1][:3]} {lines[-1][4:]}", ""]).encode()
    stage = {"RCPT": "rcpt", "DOT": "dot"}[step]
    server.rule = lambda now_at, _session: RawReply(raw) if now_at == stage else None
    reader = harness.add_reader()
    alerts: set[str] = set()
    for _ in range(int(days)):
        harness.queue_digest(reader)
        for _ in range(3):
            alerts |= set((await harness.run(make_smtp_route(server))).alerts)
            harness.advance(minutes=20)
        harness.advance(hours=23)
    assert harness.status(reader) is Status(status)
    is_disk = reply.startswith("452")
    assert bool(alerts) == (status == "confirmed" and not is_disk)


RIGHT_VALUES = {  # how many reports, then the status
    "b01": (1, "unsubscribed"),
    "b02": (2, "confirmed"),
    "b03": (2, "confirmed"),
    "b04": (2, "confirmed"),
    "b05": (3, "confirmed"),
    "b06": (1, "unsubscribed"),
    "b07": (1, "unsubscribed"),
    "b08": (1, "unsubscribed"),
    "b09": (1, "unsubscribed"),
    "c01": (1, "unsubscribed"),
    "s01": (3, "confirmed"),
}


def build_report(case: str, public_id: str) -> BounceReport | None:
    (path,) = CASES.glob(f"{case}-*")
    address = build_return_address(public_id, domain="bounce.papers.example", key=KEY)
    text = path.read_text().replace("{RETURN}", address).replace("{ORIGINAL MAIL AS SENT}", COPY)
    if path.suffix == ".json":
        return parse_notification(text, raw_hash=f"{case}/{public_id}", keys=[KEY])
    return parse_report(text.encode(), keys=[KEY])


async def send_and_record(
    harness: DeliveryHarness, server: SmtpServer, reader: Subscriber, case: str
) -> None:
    key = harness.queue_digest(reader)
    await harness.run(make_smtp_route(server))
    report = build_report(case, harness.row(key).public_id)
    assert report is not None
    with harness.store.begin() as tx:
        tx.deliveries.record_bounce(report, now=harness.now, suppression_key=SUPPRESSION_KEY)


@needs_cases
@pytest.mark.parametrize("case", RIGHT_VALUES)
async def test_returned_mail_of_a_case(harness: DeliveryHarness, server: SmtpServer, case: str) -> None:
    times, status = RIGHT_VALUES[case]
    reader = harness.add_reader("reader@example.com")
    for _ in range(times):
        assert harness.status(reader) is Status.CONFIRMED
        await send_and_record(harness, server, reader, case)
        harness.advance(days=1)
    assert harness.status(reader) is Status(status)


@needs_cases
def test_complaint_of_a_case_gives_the_token_of_the_copy() -> None:
    raw = (CASES / "c02-jmrp-mixed.eml").read_text().replace("{ORIGINAL MAIL AS SENT}", COPY).encode()
    heard: list[str] = []

    class Box:
        """One unread message."""

        def unread(self) -> list[tuple[str, bytes]]:
            """Return it."""
            return [("1", raw)]

        def mark_read(self, name: str) -> None:
            """Do nothing."""

    def complain(token: str) -> bool:
        heard.append(token)
        return True

    summary = read_bounces(Box(), lambda _: False, keys=[KEY], complain=complain)  # type: ignore[arg-type]  # a list
    assert (summary.heard, heard) == (1, [TOKEN])
    report = parse_report(raw, keys=[KEY])
    assert report is not None
    assert report.kind is BounceKind.COMPLAINT


@needs_cases
@pytest.mark.parametrize("row", read_rows("w-smtp-url.txt"), ids=lambda row: row[0][:30])
def test_mail_server_url_of_a_case(row: list[str]) -> None:
    url = row[0].partition("=")[2]
    with pytest.raises(ConfigError, match="%2F") as error:
        SmtpServerConfig.parse(url)
    assert "Secret" not in str(error.value)
