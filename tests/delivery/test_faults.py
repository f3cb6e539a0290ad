"""The sender when the mail server misbehaves: no message is lost, and none arrives more than twice."""

import asyncio
from datetime import timedelta

import pytest

from digest.db.audit import AuditFilter
from digest.delivery.smtp.session import SmtpTimeouts
from digest.models import DeliveryState, Status
from tests.delivery.harness import LIFETIME, SHORT_TIMEOUTS, DeliveryHarness, make_smtp_route, name_message
from tests.smtp_server import (
    EXTENSIONS,
    Action,
    Drop,
    EndlessReply,
    Reply,
    Session,
    SlowReply,
    SmtpServer,
    SmtpStage,
    Wait,
)

WITHOUT_PIPELINING = tuple(offer for offer in EXTENSIONS if offer != "PIPELINING")
TINY_TIMEOUTS = SmtpTimeouts(connect=0.3, command=0.3, dot=0.3, quit=0.3)


@pytest.fixture(params=["pipelining", "lock-step"])
async def either(request: pytest.FixtureRequest, server: SmtpServer) -> SmtpServer:
    """A server that offers PIPELINING, and one that does not."""
    server.extensions = EXTENSIONS if request.param == "pipelining" else WITHOUT_PIPELINING
    return server


@pytest.mark.parametrize("stage", ["ehlo", "mail", "rcpt", "data"])
async def test_1_connection_dropped_before_the_body_costs_nothing(
    any_harness: DeliveryHarness, server: SmtpServer, stage: SmtpStage
) -> None:
    key = any_harness.queue_digest(any_harness.add_reader())
    server.respond(stage, Drop())
    await any_harness.run(make_smtp_route(server))
    any_harness.advance(minutes=5)
    await any_harness.run(make_smtp_route(server))
    row = any_harness.row(key)
    assert (row.state, row.attempt, row.uncertain) == (DeliveryState.ACCEPTED, 0, 0)
    assert server.message_ids() == [name_message(row)]


async def test_1_connection_that_always_drops_leaves_the_message_queued_without_an_attempt(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    key = harness.queue_digest(harness.add_reader())
    either.rule = lambda stage, _session: Drop() if stage == "rcpt" else None
    for _ in range(5):
        await harness.run(make_smtp_route(either))
        harness.advance(minutes=1)
    assert (harness.state(key), harness.row(key).attempt, either.message_ids()) == (
        DeliveryState.QUEUED,
        0,
        [],
    )


async def test_2_drop_inside_the_body_is_uncertain_for_us_and_one_copy_for_the_subscriber(
    any_harness: DeliveryHarness, either: SmtpServer
) -> None:
    key = any_harness.queue_digest(any_harness.add_reader())
    either.respond("body", Drop(after_bytes=30))
    stats = await any_harness.run(make_smtp_route(either))
    assert (stats.deferred, any_harness.row(key).uncertain, either.message_ids()) == (1, 1, [])
    any_harness.advance(minutes=1)
    await any_harness.run(make_smtp_route(either))
    assert any_harness.state(key) is DeliveryState.ACCEPTED
    assert len(either.message_ids()) == 1


async def test_3_drop_after_the_dot_makes_two_copies_and_never_three(
    any_harness: DeliveryHarness, either: SmtpServer
) -> None:
    key = any_harness.queue_digest(any_harness.add_reader())
    either.respond("dot", Drop(after_accepting=True), Drop(after_accepting=True))
    for _ in range(4):
        await any_harness.run(make_smtp_route(either))
        any_harness.advance(minutes=30)
    assert any_harness.state(key) is DeliveryState.UNCERTAIN
    assert either.message_ids() == [name_message(any_harness.row(key))] * 2


async def test_3_an_operator_who_prefers_loss_gets_one_copy_at_most(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    harness.resend = False
    key = harness.queue_digest(harness.add_reader())
    either.respond("dot", Drop(after_accepting=True))
    stats = await harness.run(make_smtp_route(either))
    harness.advance(minutes=30)
    await harness.run(make_smtp_route(either))
    assert (harness.state(key), stats.uncertain, len(either.message_ids())) == (DeliveryState.UNCERTAIN, 1, 1)


async def test_4_late_reply_to_the_dot_is_waited_for(harness: DeliveryHarness, either: SmtpServer) -> None:
    key = harness.queue_digest(harness.add_reader())
    either.respond("dot", Wait(0.6))
    timeouts = SmtpTimeouts(
        connect=0.3, command=0.3, dot=3, quit=1
    )  # the wait is longer than any other timeout
    await harness.run(make_smtp_route(either, timeouts=timeouts))
    assert (harness.state(key), len(either.message_ids())) == (DeliveryState.ACCEPTED, 1)


def test_4_the_reply_to_the_dot_may_take_ten_minutes() -> None:
    assert SmtpTimeouts().dot == 600


async def test_5_421_greeting_opens_the_breaker_and_keeps_the_message(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    key = any_harness.queue_digest(any_harness.add_reader())
    server.respond("greeting", Reply(421, "4.3.2 not now"))
    relay = make_smtp_route(server)
    stats = await any_harness.run(relay)
    assert relay.breaker.is_open
    assert "is down" in stats.alerts[0]
    assert (any_harness.state(key), any_harness.row(key).attempt) == (DeliveryState.QUEUED, 0)
    relay.breaker.record_success()
    await any_harness.run(relay)
    assert any_harness.state(key) is DeliveryState.ACCEPTED


async def test_5_421_during_a_session_opens_a_new_connection(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    keys = harness.queue_digests(harness.add_readers(6))
    either.respond("mail", Reply(250), Reply(250), Reply(421, "4.4.2 that was enough"))
    await harness.run(make_smtp_route(either))
    assert {harness.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(set(either.message_ids())) == len(either.message_ids()) == 6
    assert either.connections == 2


async def test_6_greylisted_message_is_retried_on_schedule(
    any_harness: DeliveryHarness, either: SmtpServer
) -> None:
    key = any_harness.queue_digest(any_harness.add_reader())
    either.respond("rcpt", Reply(450, "4.2.0 greylisted"), Reply(450, "4.7.1 Greylisting in action"))
    relay = make_smtp_route(either)
    started, attempts = any_harness.now, []
    while any_harness.state(key) is not DeliveryState.ACCEPTED:
        before = len(either.commands)
        await any_harness.run(relay)
        if len(either.commands) > before:
            attempts.append(any_harness.now - started)
        any_harness.advance(minutes=2.5)
    assert attempts == [timedelta(0), timedelta(minutes=5), timedelta(minutes=20)]
    assert (any_harness.row(key).attempt, len(either.message_ids())) == (2, 1)


async def test_7_message_deferred_for_ever_expires_and_is_not_tried_again(
    any_harness: DeliveryHarness, either: SmtpServer
) -> None:
    key = any_harness.queue_digest(reader := any_harness.add_reader(), papers=["arxiv:2611.00001"])
    either.rule = lambda stage, _session: Reply(451, "4.3.0 later") if stage == "rcpt" else None
    relay, expired = make_smtp_route(either), 0
    end = any_harness.now + LIFETIME + timedelta(hours=5)
    while any_harness.now < end:
        expired += (await any_harness.run(relay)).expired
        any_harness.advance(hours=4)
    assert (any_harness.state(key), expired) == (DeliveryState.EXPIRED, 1)
    commands = len(either.commands)
    await any_harness.run(relay)
    assert len(either.commands) == commands
    with any_harness.store.begin() as tx:
        assert tx.sent_papers.get_by_subscriber([reader.id]) == {reader.id: {}}


@pytest.mark.parametrize("full", [Reply(452, "4.2.2 mailbox full"), Reply(552, "5.2.2 over quota")])
async def test_8_mailbox_full_for_days_is_suppressed(
    any_harness: DeliveryHarness, either: SmtpServer, full: Reply
) -> None:
    reader = any_harness.add_reader()
    either.rule = lambda stage, _session: full if stage == "rcpt" else None
    for day in range(3):
        assert any_harness.status(reader) is Status.CONFIRMED, f"suppressed on day {day}"
        any_harness.queue_digest(reader)
        await any_harness.run(make_smtp_route(either))
        any_harness.advance(days=1)
    assert any_harness.status(reader) is Status.UNSUBSCRIBED
    with any_harness.store.begin() as tx:
        lines = tx.audit.search(AuditFilter(subject=reader.public_id))
        assert [line.action for line in lines] == ["suppressed"]


async def test_9_unknown_mailbox_is_suppressed_at_once(
    any_harness: DeliveryHarness, either: SmtpServer
) -> None:
    key = any_harness.queue_digest(reader := any_harness.add_reader(), papers=["arxiv:2611.00001"])
    either.respond("rcpt", Reply(550, "5.1.1 no such user"))
    stats = await any_harness.run(make_smtp_route(either))
    assert (any_harness.state(key), stats.rejected) == (DeliveryState.REJECTED, 1)
    assert any_harness.status(reader) is Status.UNSUBSCRIBED
    with any_harness.store.begin() as tx:
        assert sum(tx.suppressions.count_by_reason().values()) == 1
        assert tx.sent_papers.get_by_subscriber([reader.id]) == {reader.id: {}}


async def test_9_refusal_without_a_reason_counts_the_second_time(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    reader = harness.add_reader()
    either.rule = lambda stage, _session: Reply(550, "go away") if stage == "rcpt" else None
    harness.queue_digest(reader)
    await harness.run(make_smtp_route(either))
    assert harness.status(reader) is Status.CONFIRMED
    harness.advance(days=1)
    harness.queue_digest(reader)
    await harness.run(make_smtp_route(either))
    assert harness.status(reader) is Status.UNSUBSCRIBED


async def test_10_domain_that_refuses_our_mail_by_policy_is_stopped_and_nobody_is_suppressed(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    readers = [
        *any_harness.add_readers(100, "big.example.com"),
        *any_harness.add_readers(5, "else.example.com"),
    ]
    any_harness.queue_digests(readers)

    def refuse_every_twentieth(stage: SmtpStage, session: Session) -> Action | None:
        refused = session.rcpt_to.endswith("big.example.com") and int(session.rcpt_to[6:9]) % 20 == 1
        return Reply(550, "5.7.26 unauthenticated mail") if stage == "dot" and refused else None

    server.rule = refuse_every_twentieth
    stats = await any_harness.run(make_smtp_route(server))
    assert stats.rejected == 3
    assert [alert for alert in stats.alerts if alert.startswith("big.example.com refuses our email")]
    assert 0 < stats.accepted < 102
    assert {f"reader{number:03}@else.example.com" for number in range(5)} <= set(server.recipients())
    with any_harness.store.begin() as tx:
        assert tx.suppressions.count_by_reason() == {}
        assert tx.deliveries.count_open()[DeliveryState.QUEUED] > 0


@pytest.mark.parametrize("stage", ["mail", "dot"])
async def test_11_message_too_large_is_rejected_and_the_subscriber_is_kept(
    harness: DeliveryHarness, either: SmtpServer, stage: SmtpStage
) -> None:
    key = harness.queue_digest(reader := harness.add_reader())
    either.respond(stage, Reply(552, "5.3.4 message too big"))
    stats = await harness.run(make_smtp_route(either))
    assert (harness.state(key), harness.status(reader)) == (DeliveryState.REJECTED, Status.CONFIRMED)
    assert "too-large" in stats.alerts[0]


async def test_11_message_beyond_the_servers_size_limit_is_not_tried(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    server.extensions = ("SIZE 100", "PIPELINING")
    key = harness.queue_digest(harness.add_reader())
    await harness.run(make_smtp_route(server))
    assert harness.state(key) is DeliveryState.REJECTED
    assert not [line for line in server.commands if line.startswith("MAIL")]


async def test_11_alert_about_a_refusal_names_no_subscriber(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    harness.queue_digest(harness.add_reader("ada.loveless@example.com"))
    server.respond("mail", Reply(552, "5.3.4 too big for <ada.loveless@example.com>"))
    stats = await harness.run(make_smtp_route(server))
    assert [alert.partition("too-large: ")[2] for alert in stats.alerts] == [
        "552 5.3.4 too big for <…example.com>"
    ]


@pytest.mark.parametrize("reply", [Reply(550, "5.7.1 not from you"), Reply(530, "5.7.0 log in first")])
async def test_12_server_that_refuses_the_sender_affects_no_recipient(
    any_harness: DeliveryHarness, either: SmtpServer, reply: Reply
) -> None:
    keys = any_harness.queue_digests(readers := any_harness.add_readers(5))
    either.rule = lambda stage, _session: reply if stage == "mail" else None
    relay = make_smtp_route(either, connections=2)
    stats = await any_harness.run(relay)
    assert {any_harness.state(key) for key in keys} == {DeliveryState.QUEUED}
    assert set(any_harness.statuses(readers)) == {Status.CONFIRMED}
    assert relay.breaker.is_open
    assert stats.alerts
    assert {any_harness.row(key).attempt for key in keys} == {0}


async def test_14_endless_replies_are_cut_off_and_other_connections_go_on(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    keys = harness.queue_digests(harness.add_readers(6))
    either.respond("rcpt", SlowReply(), EndlessReply())
    await harness.run(make_smtp_route(either, connections=3, timeouts=TINY_TIMEOUTS))
    harness.advance(minutes=1)
    await harness.run(make_smtp_route(either, connections=3, timeouts=TINY_TIMEOUTS))
    assert {harness.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(either.message_ids()) == len(set(either.message_ids())) == 6


async def test_15_non_ascii_mailbox_is_reached_if_the_server_offers_smtputf8(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    key = harness.queue_digest(harness.add_reader("josé@example.com"))
    await harness.run(make_smtp_route(server))
    assert harness.state(key) is DeliveryState.ACCEPTED
    assert server.recipients() == ["josé@example.com"]
    assert "SMTPUTF8" in server.accepted[0].mail_options


async def test_15_non_ascii_mailbox_is_rejected_with_a_reason_without_smtputf8(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    server.extensions = ("PIPELINING",)
    key = harness.queue_digest(reader := harness.add_reader("josé@example.com"))
    await harness.run(make_smtp_route(server))
    assert harness.state(key) is DeliveryState.REJECTED
    assert harness.row(key).last_reply.startswith("eai-unsupported")
    assert harness.status(reader) is Status.CONFIRMED


async def test_throttled_domain_gets_less_and_the_others_do_not_wait(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    any_harness.wall_clock = lambda: any_harness.now
    slow, quick = (
        any_harness.queue_digests(any_harness.add_readers(20, "slow.example.com")),
        any_harness.queue_digests(any_harness.add_readers(9)),
    )
    server.respond("rcpt", Reply(450, "4.7.28 too much mail from you"))
    await any_harness.run(make_smtp_route(server))
    any_harness.queue_digests(any_harness.add_readers(5, "slow2.example.com"))
    assert {any_harness.state(key) for key in quick} == {DeliveryState.ACCEPTED}
    held = [key for key in slow if any_harness.state(key) is DeliveryState.QUEUED]
    assert held
    assert {any_harness.row(key).attempt for key in slow} == {0}
    for _ in range(60):
        any_harness.advance(minutes=1)
        await any_harness.run(make_smtp_route(server))
    assert {any_harness.state(key) for key in slow} == {DeliveryState.ACCEPTED}
    assert len(server.message_ids()) == len(set(server.message_ids()))


async def test_40_stopped_sender_finishes_messages_being_sent(
    any_harness: DeliveryHarness, either: SmtpServer
) -> None:
    keys = any_harness.queue_digests(any_harness.add_readers(60))
    stopping = asyncio.Event()

    def stop_soon(stage: SmtpStage, _session: Session) -> Action | None:
        if stage == "dot" and len(either.accepted) > 10:
            stopping.set()
        return Wait(0.02) if stage == "dot" else None

    either.rule = stop_soon
    await any_harness.run(
        make_smtp_route(either, connections=8, timeouts=SHORT_TIMEOUTS), stopping=stopping, drain_seconds=30
    )
    states = [any_harness.state(key) for key in keys]
    assert (
        states.count(DeliveryState.ACCEPTED)
        == len(either.message_ids())
        == len(set(either.message_ids()))
        < 60
    )
    assert set(states) == {DeliveryState.ACCEPTED, DeliveryState.QUEUED}
    assert {any_harness.row(key).uncertain for key in keys} == {0}
