"""Faults of ours cost no reader: wrong configurations of each kind, over days, and unexplained answers."""

from collections.abc import Callable, Iterator

import pytest

from digest.models import Status, Subscriber
from tests.delivery.harness import DeliveryHarness, make_smtp_route
from tests.smtp_server import Action, Reply, Session, SmtpServer, SmtpStage

DAYS = 5
FULL_SIZE = ("greeting", "block list", "relay", "login", "rate", "unexplained")  # with 200 readers, not 30
TICKS = (0, 10, 60, 300, 1000)  # minutes after the slot at which a run looks at the queue
CONFIGURATIONS = {
    "greeting": ("rcpt", Reply(550, "5.7.1 <mail>: Helo command rejected: invalid name")),
    "greeting without a code": (
        "rcpt",
        Reply(550, "Access denied - Invalid HELO name (See RFC2821 4.1.1.1)"),
    ),
    "greeting, for now": ("rcpt", Reply(450, "4.7.1 <mail>: Helo command rejected: Host not found")),
    "sender": ("rcpt", Reply(550, "Verification failed: sender address does not exist")),
    "block list": ("rcpt", Reply(554, "Service refused; 192.0.2.8 listed at zen.spamhaus.org")),
    "block list after the body": ("dot", Reply(554, "Message blocked due to poor reputation of your server")),
    "relay": ("rcpt", Reply(554, "<x@y.example>: Relay access denied")),
    "relay with a code of mailboxes": ("rcpt", Reply(550, "5.1.1 we do not relay for this domain")),
    "login": ("rcpt", Reply(550, "SMTP AUTH is required for message submission on this port")),
    "login at MAIL": ("mail", Reply(530, "5.7.0 Authentication required")),
    "rate": ("rcpt", Reply(550, "5.1.1 hourly sending limit reached, 150 messages per hour allowed")),
    "rate, for now": ("rcpt", Reply(451, "You have sent too many messages, slow down")),
    "size": ("dot", Reply(552, "Message exceeds the maximum size")),
    "content": ("dot", Reply(554, "5.6.0 your message looks like spam")),
    "unexplained": ("rcpt", Reply(550, "Action not taken (ref 7f3a91)")),
}


def refuse_at(stage: str, reply: Reply) -> Callable[[SmtpStage, Session], Action | None]:
    return lambda now_at, _session: reply if now_at == stage else None


def add_readers(harness: DeliveryHarness, count: int, *, domains: int) -> list[Subscriber]:
    return harness.add_readers(count, *(f"provider{number}.example" for number in range(domains)))


def iterate_ticks(harness: DeliveryHarness) -> Iterator[int]:
    """Move the time through a day; yield the minute."""
    start = harness.now
    for minute in TICKS:
        harness.now = start
        harness.advance(minutes=minute)
        yield minute
    harness.now = start
    harness.advance(days=1)


@pytest.mark.parametrize("name", CONFIGURATIONS)
async def test_five_days_of_a_wrong_configuration_lose_no_reader_and_are_told_on_the_first(
    harness: DeliveryHarness, server: SmtpServer, name: str
) -> None:
    harness.wall_clock = lambda: harness.now
    readers = add_readers(harness, 200 if name in FULL_SIZE else 30, domains=20)
    server.rule = refuse_at(*CONFIGURATIONS[name])
    started, told_on = harness.now, set()
    for day in range(DAYS):
        harness.queue_digests(readers)
        for _ in iterate_ticks(harness):
            stats = await harness.run(make_smtp_route(server, connections=2))
            with harness.store.begin(write=False) as tx:
                alike = tx.deliveries.list_alike_answers(started, harness.now)
            told_on |= {day} if stats.alerts or alike else set()
    assert set(harness.statuses(readers)) == {Status.CONFIRMED}
    assert min(told_on) == 0


async def test_the_mail_of_the_day_arrives_once_the_configuration_is_mended(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    harness.wall_clock = lambda: harness.now
    harness.queue_digests(add_readers(harness, 9, domains=9))
    server.rule = refuse_at("rcpt", Reply(550, "relaying denied"))
    relay = make_smtp_route(server)
    await harness.run(relay)
    assert relay.breaker.is_down  # it rests after the third domain
    assert sum(line.startswith("RCPT") for line in server.commands) < 9
    server.rule = None
    harness.advance(minutes=70)
    await harness.run(make_smtp_route(server))
    assert len(set(server.recipients())) == 9


async def test_one_domain_that_refuses_us_does_not_stop_the_others(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    readers = [*add_readers(harness, 6, domains=1), harness.add_reader("else@other.example")]
    harness.queue_digests(readers)

    def refuse_one_domain(stage: SmtpStage, session: Session) -> Action | None:
        is_theirs = session.line.endswith("provider0.example>") or "@provider0" in session.line
        return Reply(550, "your IP is on our block list") if stage == "rcpt" and is_theirs else None

    server.rule = refuse_one_domain
    relay = make_smtp_route(server)
    stats = await harness.run(relay)
    assert not relay.breaker.is_down
    assert server.recipients() == ["else@other.example"]
    assert any("blocked" in alert for alert in stats.alerts)


async def test_unexplained_refusal_of_several_readers_counts_for_none_and_of_one_reader_for_that_one(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    readers = add_readers(any_harness, 3, domains=2)
    alone = any_harness.add_reader("alone@other.example")
    counter = iter(range(1000))

    def refuse(stage: SmtpStage, session: Session) -> Action | None:
        words = "go away" if "alone@" in session.line else "not taken"
        return Reply(550, f"{words} <{next(counter)}abc>") if stage == "rcpt" else None

    server.rule = refuse
    for _ in range(4):
        any_harness.queue_digests([*readers, alone])
        await any_harness.run(make_smtp_route(server))
        any_harness.advance(days=1)
    assert any_harness.statuses([*readers, alone]) == [
        *[Status.CONFIRMED] * 3,
        Status.UNSUBSCRIBED,
    ]


async def test_a_wave_of_dead_mailboxes_stops_itself_and_goes_on_the_next_day(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    readers = add_readers(any_harness, 20, domains=5)
    server.rule = refuse_at("rcpt", Reply(550, "5.1.1 no such user"))
    left = []
    for _ in range(2):
        any_harness.queue_digests(readers)
        await any_harness.run(make_smtp_route(server))
        left.append(any_harness.statuses(readers).count(Status.CONFIRMED))
        with any_harness.store.begin(write=False) as tx:
            assert tx.deliveries.count_held(any_harness.now) == left[-1]
        any_harness.advance(days=1, minutes=1)
    assert left == [16, 12]
