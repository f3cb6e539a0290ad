"""Routes: when one rests, when the operator hears of it, and what makes it forget."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from digest.delivery.file_transport import FileTransport
from digest.delivery.routes import CircuitBreaker, DomainMonitor, Route, describe_outage


@dataclass(slots=True)
class Clock:
    """A clock that is set by hand."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """The clock of the breakers."""
    return Clock()


def make_route(clock: Clock, name: str = "relay") -> Route:
    return Route(
        name=name,
        transport=FileTransport(Path("unused")),
        breaker=CircuitBreaker(clock=clock, jitter=lambda: 0.5),
    )


def fail_for(route: Route, clock: Clock, *, minutes: float) -> None:
    """Fail once a minute for so long."""
    route.breaker.record_failure("no answer")
    end = clock.seconds + 60 * minutes
    while clock.seconds < end:
        clock.seconds = min(clock.seconds + 60, end)
        route.breaker.record_failure("no answer")


def test_a_breaker_pauses_longer_after_each_failure_and_at_most_five_minutes(clock: Clock) -> None:
    breaker, pauses = CircuitBreaker(clock=clock, jitter=lambda: 0.5), list[float]()
    for _ in range(7):
        breaker.record_failure("no answer")
        started = clock.seconds
        while breaker.is_open:
            clock.seconds += 5
        pauses.append(clock.seconds - started)
    assert pauses == [10, 20, 30, 60, 120, 300, 300]


def test_a_refusal_pauses_five_minutes_at_once_and_is_told_at_once(clock: Clock) -> None:
    route = make_route(clock)
    route.breaker.record_failure("login refused", is_refusal=True)
    assert describe_outage([route]) == "relay: login refused"
    clock.seconds += 299
    assert route.breaker.is_open
    clock.seconds += 2
    assert not route.breaker.is_open


@pytest.mark.parametrize(("minutes", "is_down"), [(14, False), (15, True)])
def test_a_server_that_is_not_reached_for_a_quarter_of_an_hour_is_down(
    clock: Clock, minutes: int, *, is_down: bool
) -> None:
    route = make_route(clock)
    fail_for(route, clock, minutes=minutes)
    assert route.breaker.is_down is is_down


def test_an_accepted_message_ends_an_outage(clock: Clock) -> None:
    route = make_route(clock)
    fail_for(route, clock, minutes=20)
    route.record_accepted()
    assert (route.breaker.is_open, route.breaker.is_down) == (False, False)
    fail_for(route, clock, minutes=1)
    assert not route.breaker.is_down


def test_an_outage_is_told_when_no_route_works(clock: Clock) -> None:
    first, second = make_route(clock, "one"), make_route(clock, "two")
    fail_for(first, clock, minutes=20)
    assert describe_outage([first, second]) == ""
    fail_for(second, clock, minutes=20)
    assert describe_outage([first, second]) == "one: no answer; two: no answer"


def test_a_route_rests_after_three_domains_in_a_row_that_refuse_us(clock: Clock) -> None:
    route = make_route(clock)
    assert not any(route.record_refusal(domain) for domain in ("a.test", "b.test", "a.test"))
    route.record_accepted()
    assert [route.record_refusal(domain) for domain in ("c.test", "d.test", "e.test")] == [False, False, True]


def test_a_domain_that_was_stopped_has_a_fresh_start() -> None:
    monitor = DomainMonitor()
    assert [monitor.record("a.test", refused=True) for _ in range(6)] == [False, False, True] * 2
