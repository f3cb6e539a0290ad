"""What happens to mail when the other side misbehaves? One mail each, none lost, at most two copies."""

import asyncio
from datetime import timedelta

import pytest

from digest.delivery.smtp.session import Patience
from digest.models import DeliveryState, Status
from tests.delivery.harness import LASTS, QUICK, Post, route_to
from tests.smtp_server import OFFERS, Act, Babble, Drip, Drop, Say, SmtpServer, SmtpStage, Talk, Wait

LOCK_STEP = tuple(offer for offer in OFFERS if offer != "PIPELINING")
FAST = Patience(connect=0.3, command=0.3, dot=0.3, quit=0.3)


@pytest.fixture(params=["pipelining", "lock-step"])
async def either(request: pytest.FixtureRequest, server: SmtpServer) -> SmtpServer:
    """A server that offers PIPELINING, and one that does not."""
    server.offers = OFFERS if request.param == "pipelining" else LOCK_STEP
    return server


@pytest.mark.parametrize("step", ["ehlo", "mail", "rcpt", "data"])
async def test_1_a_line_dropped_before_the_body_costs_nothing(
    any_post: Post, server: SmtpServer, step: SmtpStage
) -> None:
    key = any_post.digest(any_post.reader())
    server.tell(step, Drop())
    await any_post.run(route_to(server))
    any_post.later(minutes=5)
    await any_post.run(route_to(server))
    row = any_post.row(key)
    assert (row.state, row.attempt, row.uncertain) == (DeliveryState.ACCEPTED, 0, 0)
    assert server.ids() == [row.message_id]


async def test_1_a_line_that_always_drops_leaves_the_mail_in_the_queue_unspent(
    post: Post, either: SmtpServer
) -> None:
    key = post.digest(post.reader())
    either.rule = lambda step, _talk: Drop() if step == "rcpt" else None
    for _ in range(5):
        await post.run(route_to(either))
        post.later(minutes=1)
    assert (post.state(key), post.row(key).attempt, either.ids()) == (DeliveryState.QUEUED, 0, [])


async def test_2_a_drop_inside_the_body_is_in_doubt_for_us_and_one_copy_for_the_reader(
    any_post: Post, either: SmtpServer
) -> None:
    key = any_post.digest(any_post.reader())
    either.tell("body", Drop(after_bytes=30))
    tally = await any_post.run(route_to(either))
    assert (tally.deferred, any_post.row(key).uncertain, either.ids()) == (1, 1, [])
    any_post.later(minutes=1)
    await any_post.run(route_to(either))
    assert any_post.state(key) is DeliveryState.ACCEPTED
    assert len(either.ids()) == 1


async def test_3_a_drop_after_the_dot_makes_two_copies_of_one_message_and_never_three(
    any_post: Post, either: SmtpServer
) -> None:
    key = any_post.digest(any_post.reader())
    either.tell("dot", Drop(after_taking=True), Drop(after_taking=True))
    for _ in range(4):
        await any_post.run(route_to(either))
        any_post.later(minutes=30)
    assert any_post.state(key) is DeliveryState.UNCERTAIN
    assert either.ids() == [any_post.row(key).message_id] * 2


async def test_3_an_operator_who_prefers_loss_gets_one_copy_at_most(post: Post, either: SmtpServer) -> None:
    post.resend = False
    key = post.digest(post.reader())
    either.tell("dot", Drop(after_taking=True))
    tally = await post.run(route_to(either))
    post.later(minutes=30)
    await post.run(route_to(either))
    assert (post.state(key), tally.uncertain, len(either.ids())) == (DeliveryState.UNCERTAIN, 1, 1)


async def test_4_a_late_reply_to_the_dot_is_waited_for(post: Post, either: SmtpServer) -> None:
    key = post.digest(post.reader())
    either.tell("dot", Wait(0.6))
    patience = Patience(connect=0.3, command=0.3, dot=3, quit=1)  # twice the patience for any other reply
    await post.run(route_to(either, patience=patience))
    assert (post.state(key), len(either.ids())) == (DeliveryState.ACCEPTED, 1)


def test_4_the_reply_to_the_dot_may_take_ten_minutes() -> None:
    assert Patience().dot == 600


async def test_5_a_421_greeting_rests_the_route_and_keeps_the_mail(
    any_post: Post, server: SmtpServer
) -> None:
    key = any_post.digest(any_post.reader())
    server.tell("greeting", Say(421, "4.3.2 not now"))
    relay = route_to(server)
    tally = await any_post.run(relay)
    assert relay.breaker.is_open
    assert "is down" in tally.alerts[0]
    assert (any_post.state(key), any_post.row(key).attempt) == (DeliveryState.QUEUED, 0)
    relay.breaker.succeed()
    await any_post.run(relay)
    assert any_post.state(key) is DeliveryState.ACCEPTED


async def test_5_a_421_in_the_middle_makes_us_call_again(post: Post, either: SmtpServer) -> None:
    keys = post.digests(post.readers(6))
    either.tell("mail", Say(250), Say(250), Say(421, "4.4.2 that was enough"))
    await post.run(route_to(either))
    assert {post.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(set(either.ids())) == len(either.ids()) == 6
    assert either.connections == 2


async def test_6_greylisting_is_met_with_patience(any_post: Post, either: SmtpServer) -> None:
    key = any_post.digest(any_post.reader())
    either.tell("rcpt", Say(450, "4.2.0 greylisted"), Say(450, "4.7.1 Greylisting in action"))
    relay = route_to(either)
    begun, tried = any_post.now, []
    while any_post.state(key) is not DeliveryState.ACCEPTED:
        before = len(either.commands)
        await any_post.run(relay)
        if len(either.commands) > before:
            tried.append(any_post.now - begun)
        any_post.later(minutes=2.5)
    assert tried == [timedelta(0), timedelta(minutes=5), timedelta(minutes=20)]
    assert (any_post.row(key).attempt, len(either.ids())) == (2, 1)


async def test_7_a_server_that_says_later_for_ever_is_given_up_on_and_never_tried_again(
    any_post: Post, either: SmtpServer
) -> None:
    key = any_post.digest(reader := any_post.reader(), papers=["arxiv:2611.00001"])
    either.rule = lambda step, _talk: Say(451, "4.3.0 later") if step == "rcpt" else None
    relay, expired = route_to(either), 0
    end = any_post.now + LASTS + timedelta(hours=5)
    while any_post.now < end:
        expired += (await any_post.run(relay)).expired
        any_post.later(hours=4)
    assert (any_post.state(key), expired) == (DeliveryState.EXPIRED, 1)
    commands = len(either.commands)
    await any_post.run(relay)
    assert len(either.commands) == commands
    with any_post.store.begin() as tx:
        assert tx.sent.of([reader.id]) == {reader.id: {}}


@pytest.mark.parametrize("full", [Say(452, "4.2.2 mailbox full"), Say(552, "5.2.2 over quota")])
async def test_8_a_mailbox_that_stays_full_for_days_is_let_go(
    any_post: Post, either: SmtpServer, full: Say
) -> None:
    reader = any_post.reader()
    either.rule = lambda step, _talk: full if step == "rcpt" else None
    for day in range(3):
        assert any_post.status(reader) is Status.CONFIRMED, f"let go on day {day}"
        any_post.digest(reader)
        await any_post.run(route_to(either))
        any_post.later(days=1)
    assert any_post.status(reader) is Status.UNSUBSCRIBED
    with any_post.store.begin() as tx:
        assert [line.action for line in tx.audit.latest(subject=reader.pid)] == ["suppressed"]


async def test_9_an_unknown_mailbox_is_suppressed_at_once(any_post: Post, either: SmtpServer) -> None:
    key = any_post.digest(reader := any_post.reader(), papers=["arxiv:2611.00001"])
    either.tell("rcpt", Say(550, "5.1.1 no such user"))
    tally = await any_post.run(route_to(either))
    assert (any_post.state(key), tally.rejected) == (DeliveryState.REJECTED, 1)
    assert any_post.status(reader) is Status.UNSUBSCRIBED
    with any_post.store.begin() as tx:
        assert sum(tx.suppressions.count().values()) == 1
        assert tx.sent.of([reader.id]) == {reader.id: {}}


async def test_9_a_refusal_without_a_reason_counts_the_second_time(post: Post, either: SmtpServer) -> None:
    reader = post.reader()
    either.rule = lambda step, _talk: Say(550, "go away") if step == "rcpt" else None
    post.digest(reader)
    await post.run(route_to(either))
    assert post.status(reader) is Status.CONFIRMED
    post.later(days=1)
    post.digest(reader)
    await post.run(route_to(either))
    assert post.status(reader) is Status.UNSUBSCRIBED


async def test_10_a_domain_that_refuses_our_mail_as_such_is_left_alone_and_nobody_is_suppressed(
    any_post: Post, server: SmtpServer
) -> None:
    readers = [*any_post.readers(100, "big.example.com"), *any_post.readers(5, "else.example.com")]
    any_post.digests(readers)

    def every_twentieth(step: SmtpStage, talk: Talk) -> Act | None:
        refused = talk.rcpt_to.endswith("big.example.com") and int(talk.rcpt_to[6:9]) % 20 == 1
        return Say(550, "5.7.26 unauthenticated mail") if step == "dot" and refused else None

    server.rule = every_twentieth
    tally = await any_post.run(route_to(server))
    assert tally.rejected == 3
    assert [alert for alert in tally.alerts if alert.startswith("big.example.com refuses our mail")]
    assert 0 < tally.accepted < 102
    assert {f"reader{place:03}@else.example.com" for place in range(5)} <= set(server.recipients())
    with any_post.store.begin() as tx:
        assert tx.suppressions.count() == {}
        assert tx.deliveries.waiting()[DeliveryState.QUEUED] > 0


@pytest.mark.parametrize("step", ["mail", "dot"])
async def test_11_a_mail_too_large_is_our_fault_not_the_readers(
    post: Post, either: SmtpServer, step: SmtpStage
) -> None:
    key = post.digest(reader := post.reader())
    either.tell(step, Say(552, "5.3.4 message too big"))
    tally = await post.run(route_to(either))
    assert (post.state(key), post.status(reader)) == (DeliveryState.REJECTED, Status.CONFIRMED)
    assert "too-large" in tally.alerts[0]


async def test_11_a_size_beyond_the_servers_limit_is_not_even_tried(post: Post, server: SmtpServer) -> None:
    server.offers = ("SIZE 100", "PIPELINING")
    key = post.digest(post.reader())
    await post.run(route_to(server))
    assert post.state(key) is DeliveryState.REJECTED
    assert not [line for line in server.commands if line.startswith("MAIL")]


async def test_11_what_the_operator_is_told_of_a_refusal_names_no_reader(
    post: Post, server: SmtpServer
) -> None:
    post.digest(post.reader("ada.loveless@example.com"))
    server.tell("mail", Say(552, "5.3.4 too big for <ada.loveless@example.com>"))
    tally = await post.run(route_to(server))
    assert [alert.partition("too-large: ")[2] for alert in tally.alerts] == [
        "552 5.3.4 too big for <…example.com>"
    ]


@pytest.mark.parametrize("reply", [Say(550, "5.7.1 not from you"), Say(530, "5.7.0 log in first")])
async def test_12_a_server_that_refuses_the_sender_touches_no_recipient(
    any_post: Post, either: SmtpServer, reply: Say
) -> None:
    keys = any_post.digests(readers := any_post.readers(5))
    either.rule = lambda step, _talk: reply if step == "mail" else None
    relay = route_to(either, connections=2)
    tally = await any_post.run(relay)
    assert {any_post.state(key) for key in keys} == {DeliveryState.QUEUED}
    assert {any_post.status(reader) for reader in readers} == {Status.CONFIRMED}
    assert relay.breaker.is_open
    assert tally.alerts
    assert {any_post.row(key).attempt for key in keys} == {0}


async def test_14_replies_that_never_end_are_cut_off_and_the_others_go_on(
    post: Post, either: SmtpServer
) -> None:
    keys = post.digests(post.readers(6))
    either.tell("rcpt", Drip(), Babble())
    await post.run(route_to(either, connections=3, patience=FAST))
    post.later(minutes=1)
    await post.run(route_to(either, connections=3, patience=FAST))
    assert {post.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(either.ids()) == len(set(either.ids())) == 6


async def test_15_a_mailbox_beyond_ascii_is_reached_where_the_server_can(
    post: Post, server: SmtpServer
) -> None:
    key = post.digest(post.reader("josé@example.com"))
    await post.run(route_to(server))
    assert post.state(key) is DeliveryState.ACCEPTED
    assert server.recipients() == ["josé@example.com"]
    assert "SMTPUTF8" in server.taken[0].mail_options


async def test_15_a_mailbox_beyond_ascii_is_refused_by_name_where_it_cannot(
    post: Post, server: SmtpServer
) -> None:
    server.offers = ("PIPELINING",)
    key = post.digest(reader := post.reader("josé@example.com"))
    await post.run(route_to(server))
    assert post.state(key) is DeliveryState.REJECTED
    assert post.row(key).last_reply.startswith("eai-unsupported")
    assert post.status(reader) is Status.CONFIRMED


async def test_a_domain_that_asks_for_less_gets_less_and_the_others_do_not_wait(
    any_post: Post, server: SmtpServer
) -> None:
    any_post.wall = lambda: any_post.now
    slow, quick = (
        any_post.digests(any_post.readers(20, "slow.example.com")),
        any_post.digests(any_post.readers(9)),
    )
    server.tell("rcpt", Say(450, "4.7.28 too much mail from you"))
    await any_post.run(route_to(server))
    any_post.digests(any_post.readers(5, "slow2.example.com"))
    assert {any_post.state(key) for key in quick} == {DeliveryState.ACCEPTED}
    held = [key for key in slow if any_post.state(key) is DeliveryState.QUEUED]
    assert held
    assert {any_post.row(key).attempt for key in slow} == {0}
    for _ in range(60):
        any_post.later(minutes=1)
        await any_post.run(route_to(server))
    assert {any_post.state(key) for key in slow} == {DeliveryState.ACCEPTED}
    assert len(server.ids()) == len(set(server.ids()))


async def test_40_told_to_stop_it_brings_home_what_is_on_the_wire(any_post: Post, either: SmtpServer) -> None:
    keys = any_post.digests(any_post.readers(60))
    stopping = asyncio.Event()

    def stop_soon(step: SmtpStage, _talk: Talk) -> Act | None:
        if step == "dot" and len(either.taken) > 10:
            stopping.set()
        return Wait(0.02) if step == "dot" else None

    either.rule = stop_soon
    await any_post.run(route_to(either, connections=8, patience=QUICK), stopping=stopping, drain=30)
    states = [any_post.state(key) for key in keys]
    assert states.count(DeliveryState.ACCEPTED) == len(either.ids()) == len(set(either.ids())) < 60
    assert set(states) == {DeliveryState.ACCEPTED, DeliveryState.QUEUED}
    assert {any_post.row(key).uncertain for key in keys} == {0}
