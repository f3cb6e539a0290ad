"""What the queue grants, refuses and takes back: no mail is lost, and none has more than two copies."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.db import Database
from digest.db.sender_session import SenderSession
from digest.models import Delivery, DeliveryKind, DeliveryState, NewDelivery, Status, ThrottleAction
from digest.models.channels import ChannelKind, ChannelState
from tests.delivery.harness import LIFETIME, SUPPRESSION_KEY, DeliveryHarness, make_attempt_result
from tests.factories import NOW

END = NOW + LIFETIME  # of a digest queued now


def open_session(store: Database) -> SenderSession:
    return SenderSession(store, suppression_key=SUPPRESSION_KEY, wall_clock=lambda: NOW)


def queue_digest(store: Database) -> tuple[DeliveryHarness, str]:
    harness = DeliveryHarness(store)
    return harness, harness.queue_digest(harness.add_reader())


def send_body(session: SenderSession) -> list[Delivery]:
    """Claim what is due and commit that the bodies are sent."""
    claimed = list(session.claim(9, NOW).deliveries)
    session.commit([], claimed, NOW, bodies=claimed)
    return claimed


def test_mail_expires_at_its_end_even_if_its_next_attempt_was_to_be_later(any_store: Database) -> None:
    harness, key = queue_digest(any_store)
    with open_session(any_store) as session:
        later = [
            make_attempt_result(delivery, DeliveryState.QUEUED, not_before=END + timedelta(hours=2))
            for delivery in send_body(session)
        ]
        session.commit(later, [], NOW)
        assert session.claim(9, END).expired == 1
    assert harness.state(key) is DeliveryState.EXPIRED


def test_mail_that_comes_to_its_end_between_claim_and_intent_expires(any_store: Database) -> None:
    harness, key = queue_digest(any_store)
    with open_session(any_store) as session:
        claimed = session.claim(9, NOW).deliveries
        assert not session.commit([], claimed, END)
    assert harness.state(key) is DeliveryState.EXPIRED


def test_mail_whose_sender_died_twice_after_the_body_is_not_sent_a_third_time(any_store: Database) -> None:
    harness, key = queue_digest(any_store)
    seen = []
    for _ in range(3):
        with open_session(any_store) as session:
            send_body(session)
        seen.append((harness.state(key), harness.row(key).uncertain))
    assert seen == [(DeliveryState.QUEUED, 1), (DeliveryState.UNCERTAIN, 1), (DeliveryState.UNCERTAIN, 1)]
    with any_store.begin(write=False) as tx:
        assert tx.deliveries.count_finished(NOW) == {DeliveryState.UNCERTAIN: 1}


@pytest.mark.parametrize("has_died", [True, False])
def test_mail_whose_sender_died_before_the_body_is_only_queued_again(
    any_store: Database, *, has_died: bool
) -> None:
    harness, key = queue_digest(any_store)
    with open_session(any_store) as session:
        sent = send_body(session)
        if not has_died:
            session.commit([make_attempt_result(sent[0], DeliveryState.QUEUED)], [], NOW)
    with open_session(any_store) as session:
        session.commit([], session.claim(9, NOW).deliveries, NOW)  # and no body
    assert (harness.state(key), harness.row(key).uncertain) == (DeliveryState.QUEUED, int(has_died))


def test_mail_that_is_being_sent_is_neither_released_nor_called_cancelled(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    key = harness.queue_digest(reader := harness.add_reader())
    with open_session(any_store) as session:
        sent = send_body(session)
        session.release(sent, NOW)
        assert harness.state(key) is DeliveryState.SENDING
        with any_store.begin() as tx:
            tx.subscribers.save(replace(reader, status=Status.UNSUBSCRIBED))
        assert not session.commit([], sent, NOW)
        assert harness.state(key) is DeliveryState.SENDING


def test_a_claim_that_was_taken_over_grants_and_releases_nothing(any_store: Database) -> None:
    harness, key = queue_digest(any_store)
    with open_session(any_store) as session:
        (claimed,) = session.claim(9, NOW).deliveries
        former = replace(claimed, generation=claimed.generation - 1)
        assert not session.commit([], [former], NOW)
        session.release([former], NOW)
        assert harness.state(key) is DeliveryState.LEASED


@pytest.mark.parametrize("state", [DeliveryState.REJECTED, DeliveryState.CANCELLED, DeliveryState.ACCEPTED])
def test_a_final_result_counts_as_finished(store: Database, state: DeliveryState) -> None:
    queue_digest(store)
    with open_session(store) as session:
        session.commit([make_attempt_result(delivery, state) for delivery in send_body(session)], [], NOW)
    with store.begin(write=False) as tx:
        assert tx.deliveries.count_finished(NOW) == {state: 1}


def test_what_was_due_first_goes_first(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    first, second = harness.add_readers(2)
    late = harness.queue_digest(second)
    harness.advance(hours=-1)
    early = harness.queue_digest(first)
    with open_session(any_store) as session:
        assert [delivery.key for delivery in session.claim(9, NOW).deliveries] == [early, late]


def test_limited_domains_do_not_make_a_claim_larger(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    harness.queue_digests(harness.add_readers(8, "a.example", "b.example"))
    with open_session(any_store) as session:
        for domain in ("a.example", "b.example"):
            session.take_tokens(f"domain:{domain}", 9.0, 0)
        assert len(session.claim(3, NOW).deliveries) == 3
        assert len(session.claim(9, NOW).deliveries) == 5


def test_a_limited_domain_gets_no_more_than_its_tokens(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    harness.queue_digests(harness.add_readers(5, "a.example"))
    with open_session(any_store) as session:
        session.take_tokens("domain:a.example", 2.0, 0)
        claims = [session.claim(9, NOW) for _ in range(2)]
    assert [len(claim.deliveries) for claim in claims] == [2, 0]
    assert claims[1].retry_in == pytest.approx(0.5)


def test_a_redirected_mail_waits_for_the_domain_of_its_new_address(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    harness.queue_digest(reader := harness.add_reader("ada@old.example"))
    with any_store.begin() as tx:
        tx.subscribers.save(replace(reader, address="ada@new.example"))
    with open_session(any_store) as session:
        (sent,) = send_body(session)
        stop = make_attempt_result(sent, DeliveryState.QUEUED, throttle=ThrottleAction.STOP)
        session.commit([stop], [], NOW)
        claimed = session.claim(9, NOW)
    assert (claimed.deliveries, claimed.retry_in) == ((), 3600.0)


@pytest.mark.parametrize(("days", "is_granted"), [(0, True), (1, False)])
def test_a_pause_holds_digests_until_its_last_day_and_no_notice(
    any_store: Database, days: int, *, is_granted: bool
) -> None:
    harness = DeliveryHarness(any_store)
    digest = harness.queue_digest(reader := harness.add_reader())
    until = NOW.date() + timedelta(days=days)
    with any_store.begin() as tx:
        tx.deliveries.enqueue_notice(DeliveryKind.NOTICE, reader, "notice/1", {}, now=NOW)
        tx.subscribers.save(replace(reader, schedule=replace(reader.schedule, paused_until=until)))
    with open_session(any_store) as session:
        claimed = {delivery.key: delivery for delivery in session.claim(9, NOW).deliveries}
        granted = session.commit([], list(claimed.values()), NOW)
    assert claimed["notice/1"].id in granted
    assert (claimed[digest].id in granted) is is_granted


def test_the_reply_about_an_erased_subscriber_is_not_kept(any_store: Database) -> None:
    harness, key = queue_digest(any_store)
    with open_session(any_store) as session:
        (sent,) = send_body(session)
        with any_store.begin() as tx:
            tx.connection.exec_driver_sql("UPDATE delivery SET address = ''")
        refused = make_attempt_result(sent, DeliveryState.REJECTED, text="no ada@example.com here")
        session.commit([refused], [], NOW)
    assert (harness.state(key), harness.row(key).last_reply) == (DeliveryState.REJECTED, "")


@pytest.mark.parametrize("is_claimed", [True, False])
def test_a_message_to_a_channel_that_is_in_use_no_more_is_cancelled(
    any_store: Database, *, is_claimed: bool
) -> None:
    harness = DeliveryHarness(any_store)
    reader = harness.add_reader()
    with any_store.begin() as tx:
        channel = tx.channels.add(reader.id, ChannelKind.WEBHOOK, "hook.example", "sealed", now=NOW)
        message = NewDelivery(
            kind=DeliveryKind.DIGEST,
            key="digest/1",
            subscriber_id=reader.id,
            address="hook.example",
            slot=NOW,
            not_before=NOW,
            not_after=END,
            channel_id=channel.id,
        )
        tx.deliveries.enqueue([message], now=NOW)
    with open_session(any_store) as session:
        claimed = session.claim(9, NOW, channels=True).deliveries if is_claimed else ()
        with any_store.begin() as tx:
            tx.channels.set_state(channel.id, ChannelState.PAUSED)
        granted = (
            session.commit([], claimed, NOW)
            if is_claimed
            else session.claim(9, NOW, channels=True).deliveries
        )
    assert (len(claimed), len(granted)) == (int(is_claimed), 0)
    assert harness.state("digest/1") is DeliveryState.CANCELLED
