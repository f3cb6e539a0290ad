"""One connection: what a lost one costs, and when the route rests."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from digest.db.sender_session import SenderSession
from digest.delivery.routes import Route
from digest.delivery.sender import send_queue
from digest.models import DeliveryState, Status
from digest.models.errors import LeaseLost, StoreError
from tests.delivery.harness import SUPPRESSION_KEY, DeliveryHarness, build_message, make_smtp_route
from tests.smtp_server import EXTENSIONS, Action, Drop, Reply, Session, SmtpServer, SmtpStage, Wait

REFUSED = Reply(550, "5.7.1 your server is on our block list")


@pytest.fixture(params=["pipelining", "stepwise"])
def either(request: pytest.FixtureRequest, server: SmtpServer) -> SmtpServer:
    """A server that offers PIPELINING, and one that does not."""
    server.extensions = EXTENSIONS if request.param == "pipelining" else ()
    return server


@pytest.fixture
def clocked_route(server: SmtpServer) -> tuple[Route, list[float]]:
    """A route, and the time of its breaker, in seconds."""
    route, now = make_smtp_route(server), [1000.0]
    route.breaker.clock = lambda: now[0]
    return route, now


def refuse(*names: str, reply: Reply = REFUSED) -> Callable[[SmtpStage, Session], Action | None]:
    """Refuse recipients of these domains."""
    return lambda stage, session: (
        reply if stage == "rcpt" and any(f"@{name}.example" in session.line for name in names) else None
    )


def queue(harness: DeliveryHarness, *domains: str) -> list[str]:
    """Queue a digest to a reader at each domain, in this order."""
    readers = [
        harness.add_reader(f"r{harness.now:%d}{number}@{name}.example") for number, name in enumerate(domains)
    ]
    return harness.queue_digests(readers)


async def test_mail_that_ends_two_connections_waits_instead_of_ending_a_third(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    (key,) = queue(harness, "a")
    either.rule = lambda stage, _session: Drop() if stage == "rcpt" else None
    await harness.run(make_smtp_route(either))
    assert either.connections == 2
    assert (harness.row(key).not_before - harness.now).total_seconds() == 10


async def test_hanging_up_for_too_much_mail_is_heeded_at_once(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    (key,) = queue(harness, "a")
    either.respond("rcpt", Reply(421, "4.7.0 too many messages, slow down"))
    await harness.run(make_smtp_route(either))
    assert (either.connections, harness.state(key)) == (1, DeliveryState.QUEUED)
    assert (harness.row(key).not_before - harness.now).total_seconds() == 60


async def test_domains_refuse_in_a_row_only_if_no_other_accepts(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    keys = queue(harness, "a", "b", "good", "c", "d", "good")
    either.rule = refuse("a", "b", "c", "d")
    route = make_smtp_route(either)
    await harness.run(route)
    assert not route.breaker.is_open
    assert [harness.state(key) for key in keys].count(DeliveryState.ACCEPTED) == 2


async def test_after_its_rest_a_route_counts_refusing_domains_anew(
    harness: DeliveryHarness, server: SmtpServer, clocked_route: tuple[Route, list[float]]
) -> None:
    route, now = clocked_route
    server.rule = refuse("a", "b", "c", "d")
    queue(harness, "a", "b", "c")
    await harness.run(route)
    assert route.breaker.is_open
    now[0] += 301
    harness.advance(days=1)
    queue(harness, "d")
    await harness.run(route)
    assert not route.breaker.is_open


async def test_a_connection_ends_an_outage_even_if_the_mail_is_deferred(
    harness: DeliveryHarness, server: SmtpServer, clocked_route: tuple[Route, list[float]]
) -> None:
    route, now = clocked_route
    queue(harness, "a")
    server.respond("greeting", Reply(421, "4.3.2 not now"))
    await harness.run(route)
    now[0] += 20
    server.rule = refuse("a", reply=Reply(450, "4.2.0 try later"))
    await harness.run(route)
    now[0] += 1000
    assert (route.breaker.failures, route.breaker.is_down) == (0, False)


async def test_unexplained_refusals_of_several_domains_let_the_route_rest(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    keys = queue(harness, "a", "b", "c", "d", "e")
    either.rule = refuse("a", "b", "c", "d", "e", reply=Reply(550, "no"))
    route = make_smtp_route(either)
    await harness.run(route)
    assert route.breaker.is_down
    assert [harness.state(key) for key in keys].count(DeliveryState.QUEUED) == 2


async def test_several_unknown_mailboxes_do_not_let_the_route_rest(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    queue(harness, "a", "b", "c", "good")
    either.rule = refuse("a", "b", "c", reply=Reply(550, "5.1.1 no such user"))
    route = make_smtp_route(either)
    stats = await harness.run(route)
    assert (stats.accepted, stats.rejected, route.breaker.is_open) == (1, 3, False)


async def test_a_reader_who_left_is_counted_as_cancelled(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    reader = harness.add_reader()
    harness.queue_digest(reader)

    def leave(stage: SmtpStage, _session: Session) -> Action | None:
        if stage == "ehlo":
            with harness.store.begin() as tx:
                tx.subscribers.save(replace(reader, status=Status.UNSUBSCRIBED))
        return None

    either.rule = leave
    stats = await harness.run(make_smtp_route(either))
    assert (stats.cancelled, stats.accepted, either.message_ids()) == (1, 0, [])


@pytest.mark.parametrize("count", [1, 3])
async def test_the_database_knows_that_a_body_goes_before_the_server_has_it(
    harness: DeliveryHarness, either: SmtpServer, count: int
) -> None:
    queue(harness, *["a"] * count)
    known = []

    def look(stage: SmtpStage, session: Session) -> Action | None:
        if stage == "dot":
            with harness.store.begin(write=False) as tx:
                query = "SELECT body_out FROM delivery WHERE address = ?"
                known.append(tx.connection.exec_driver_sql(query, (session.rcpt_to,)).scalar())
        return None

    either.rule = look
    await harness.run(make_smtp_route(either))
    assert known == [True] * count


async def test_nothing_is_sent_once_the_lease_may_have_run_out(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    class CutOffSession(SenderSession):
        """Has a lease of 60 ms that it can renew once."""

        is_renewed = False

        @property
        def heartbeat_seconds(self) -> float:
            return 0.02

        def renew_lease(self) -> None:
            if self.is_renewed:
                raise StoreError("no connection")
            self.is_renewed = True

    queue(harness, "a")
    either.respond("ehlo", Wait(0.2))
    with (
        CutOffSession(harness.store, suppression_key=SUPPRESSION_KEY) as session,
        pytest.raises(LeaseLost),
    ):
        await send_queue(session, build_message, [make_smtp_route(either)], clock=lambda: harness.now)
    assert either.message_ids() == []


async def test_a_result_is_committed_while_its_connection_waits_for_the_next_mail(
    harness: DeliveryHarness, either: SmtpServer
) -> None:
    quick, _ = queue(harness, "quick", "slow")
    seen = []

    def look(stage: SmtpStage, session: Session) -> Action | None:
        if stage == "dot" and "@slow" in session.rcpt_to:
            seen.append(harness.state(quick))
        return Wait(0.1) if stage == "rcpt" and "@slow" in session.line else None

    either.rule = look
    await harness.run(make_smtp_route(either, connections=2))
    assert seen == [DeliveryState.ACCEPTED]
