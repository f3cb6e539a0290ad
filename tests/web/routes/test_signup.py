"""How does someone sign up, and what keeps others from abusing it?"""

import re
import time
from itertools import count
from statistics import median

import pytest
from anyio import create_task_group
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from digest import subscribers
from digest.app.services import Services
from digest.models import DeliveryKind, Status, Subscriber
from digest.subscribers import Actor
from digest.web.form_tokens import PATIENCE, READING, is_worked
from digest.web.rate_limits import EASY, WORLDWIDE
from tests.factories import NOW
from tests.web.visit import BASE, Clock, Look, Mails, sign_up, ticket, ticket_in


async def test_signing_up_queues_one_mail_that_asks(
    visitor: AsyncClient, clock: Clock, reader_now: Look, mails: Mails
) -> None:
    answer = await sign_up(visitor, clock, "carol@example.com", interests="sheep, teapots")
    assert answer.status_code == 202
    assert "Check your mail" in answer.text
    carol = reader_now("carol@example.com")
    assert carol is not None
    assert carol.status is Status.UNCONFIRMED
    assert carol.profile.keywords == ("sheep", "teapots")
    assert [mail.kind for mail in mails("carol@example.com")] == [DeliveryKind.CONFIRM]


async def test_the_confirmation_mail_is_queued_without_a_word_the_visitor_typed(
    visitor: AsyncClient, clock: Clock, mails: Mails
) -> None:
    await sign_up(visitor, clock, "carol@example.com", interests="BUY CHEAP SHEEP http://spam.example")
    assert "spam" not in str(mails("carol@example.com")).lower()


async def test_a_search_can_be_subscribed_to(visitor: AsyncClient, clock: Clock, reader_now: Look) -> None:
    await sign_up(visitor, clock, "carol@example.com", facet="  counting   sheep ")
    carol = reader_now("carol@example.com")
    assert carol is not None
    assert [facet.name for facet in carol.profile.facets] == ["counting sheep"]


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@localhost", "a@[127.0.0.1]", "a@b\r\nBcc: c@example.com"],
)
async def test_an_address_that_is_none_is_refused_with_a_sentence(
    visitor: AsyncClient, clock: Clock, address: str
) -> None:
    answer = await sign_up(visitor, clock, address)
    assert answer.status_code == 422
    assert "not an email address" in answer.text


async def test_a_refused_sign_up_comes_back_with_everything_that_was_typed(
    visitor: AsyncClient, clock: Clock, reader_now: Look
) -> None:
    page = (await sign_up(visitor, clock, 'carol "at" example', interests="sheep, teapots")).text
    assert "Look at the address again" in page
    assert 'value="carol &#34;at&#34; example"' in page
    assert 'value="sheep, teapots"' in page
    corrected = {"email": "carol@example.com", "interests": "sheep, teapots", "ticket": ticket_in(page)}
    assert (await visitor.post("/subscribe", data=corrected)).status_code == 202
    assert reader_now("carol@example.com") is not None


async def test_the_answer_names_the_address_as_it_was_typed_and_the_sender_to_look_for(
    visitor: AsyncClient, clock: Clock
) -> None:
    page = (await sign_up(visitor, clock, "Carol@Exmaple.com")).text
    assert "Carol@exmaple.com" in page
    assert "confirm@" in page


async def test_known_unknown_suppressed_and_pending_addresses_get_the_same_bytes(
    visitor: AsyncClient, clock: Clock, services: Services, ada: Subscriber, bob: Subscriber
) -> None:
    with services.store.begin() as tx:
        subscribers.suppress(tx, "sue@example.com", by=Actor("test", NOW, services.secret))
    typed = (ada.address, bob.address, "sue@example.com", "new@example.com", ada.address)
    answers = [await sign_up(visitor, clock, address) for address in typed]
    pages = {answer.text.replace(address, "YOU") for answer, address in zip(answers, typed, strict=True)}
    assert len(pages) == 1  # but for the address, which whoever asks has typed
    assert len({answer.status_code for answer in answers}) == 1
    shapes = {
        tuple(sorted((name, re.sub(r"=[0-9a-f]+", "", value)) for name, value in answer.headers.items()))
        for answer in answers
    }
    assert len(shapes) == 1


async def test_a_suppressed_address_gets_no_mail(
    visitor: AsyncClient, clock: Clock, services: Services, reader_now: Look
) -> None:
    with services.store.begin() as tx:
        subscribers.suppress(tx, "gone@example.com", by=Actor("test", NOW, services.secret))
    await sign_up(visitor, clock, "Gone@Example.com")
    assert reader_now("gone@example.com") is None


async def test_answers_leave_on_the_beat_whoever_asks(
    visitor: AsyncClient, clock: Clock, ada: Subscriber
) -> None:
    async def taken(address: str) -> float:
        typed = {"email": address, "ticket": await ticket(visitor)}
        clock.advance(minutes=15)
        began = time.monotonic()
        assert (await visitor.post("/subscribe", data=typed)).status_code == 202
        return time.monotonic() - began

    known = [await taken(ada.address) for _ in range(8)]
    unknown = [await taken(f"{n}@example.com") for n in range(8)]
    assert abs(median(known) - median(unknown)) < 0.03


@pytest.fixture
def busy_day(app: FastAPI, clock: Clock) -> None:
    """Those who may come without waiting have come already."""
    while app.state.ctx.limits.walk_ins.take("", clock()):
        pass


async def test_on_a_quiet_day_a_program_signs_people_up_without_a_form_until_there_are_too_many(
    visitor: AsyncClient, reader_now: Look
) -> None:
    answers = [
        await visitor.post("/subscribe", data={"email": f"person{number}@example.com"})
        for number in range(12)
    ]
    assert [answer.status_code for answer in answers[:10]] == [202] * 10
    assert {answer.status_code for answer in answers[10:]} <= {428, 429}
    assert reader_now("person0@example.com")


async def test_a_form_sent_faster_than_anyone_reads_is_asked_once_more(
    busy_day: None, visitor: AsyncClient, reader_now: Look
) -> None:
    answer = await visitor.post(
        "/subscribe", data={"email": "carol@example.com", "ticket": await ticket(visitor)}
    )
    assert answer.status_code == 428
    assert "once more" in answer.text
    assert reader_now("carol@example.com") is None


async def test_a_form_without_a_ticket_becomes_one_with_a_ticket_and_one_more_press_is_enough(
    busy_day: None, visitor: AsyncClient, clock: Clock, reader_now: Look
) -> None:
    first = await visitor.post("/subscribe", data={"email": "carol@example.com"})
    assert first.status_code == 428
    clock.advance(seconds=READING)
    again = await visitor.post(
        "/subscribe", data={"email": "carol@example.com", "ticket": ticket_in(first.text)}
    )
    assert again.status_code == 202
    assert reader_now("carol@example.com")


async def test_a_form_sent_twice_counts_once(visitor: AsyncClient, clock: Clock, reader_now: Look) -> None:
    once = await ticket(visitor)
    clock.advance(seconds=READING)
    assert (
        await visitor.post("/subscribe", data={"email": "a@example.com", "ticket": once})
    ).status_code == 202
    assert (
        await visitor.post("/subscribe", data={"email": "b@example.com", "ticket": once})
    ).status_code == 428
    assert reader_now("b@example.com") is None


async def test_a_robot_that_fills_in_the_hidden_field_hears_yes_and_does_nothing(
    visitor: AsyncClient, clock: Clock, reader_now: Look
) -> None:
    person = await sign_up(visitor, clock, "person@example.com")
    robot = await sign_up(visitor, clock, "robot@example.com", website="http://spam.example")
    assert robot.text.replace("robot@", "person@") == person.text
    assert reader_now("robot@example.com") is None


async def test_json_without_the_form_is_held_to_the_same_rules(
    busy_day: None, visitor: AsyncClient, clock: Clock, reader_now: Look
) -> None:
    first = await visitor.post("/subscribe", json={"email": "carol@example.com"})
    assert first.status_code == 428
    early = await visitor.post(
        "/subscribe", json={"email": "carol@example.com", "ticket": first.json()["ticket"]}
    )
    assert early.status_code == 428
    clock.advance(seconds=READING)
    done = await visitor.post(
        "/subscribe", json={"email": "carol@example.com", "ticket": early.json()["ticket"]}
    )
    assert done.status_code == 202
    assert reader_now("carol@example.com")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"email": 7}', b'{"email": "' + b"a" * 500 + b'"}'])
async def test_json_of_another_shape_is_refused_and_breaks_nothing(visitor: AsyncClient, body: bytes) -> None:
    answer = await visitor.post("/subscribe", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"]  # a program asked


async def test_one_visitor_cannot_sign_up_the_whole_town(visitor: AsyncClient, clock: Clock) -> None:
    codes = [(await sign_up(visitor, clock, f"{n}@example.com")).status_code for n in range(15)]
    assert codes.count(202) <= 12
    assert codes[-1] == 429


async def test_a_victim_is_asked_at_most_once_in_ten_minutes_wherever_it_comes_from(
    app: FastAPI, clock: Clock, mails: Mails
) -> None:
    for n in range(20):
        async with AsyncClient(
            transport=ASGITransport(app, client=(f"198.51.100.{n}", 1)), base_url=BASE
        ) as someone:
            assert (await sign_up(someone, clock, "victim@example.com")).status_code == 202
            clock.advance(seconds=20)
    assert len(mails("victim@example.com")) == 1


async def test_a_get_of_the_sign_up_changes_nothing(visitor: AsyncClient) -> None:
    answer = await visitor.get("/subscribe?email=carol@example.com")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_during_a_flood_one_must_wait_or_work_and_the_cap_holds(
    app: FastAPI, clock: Clock, reader_now: Look
) -> None:
    ctx = app.state.ctx
    for _ in range(int(WORLDWIDE.burst * (1 - EASY)) + 60):
        ctx.limits.world.take("", clock())
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as visitor:
        first = await sign_up(visitor, clock, "carol@example.com")
        assert first.status_code == 428
        assert "script-src 'self'" in first.headers["content-security-policy"]
        paid = ticket_in(first.text)
        bits = int(re.search(r'data-work="(\d+)"', first.text)[1])  # type: ignore[index]
        answer = next(str(n) for n in count() if is_worked(paid, str(n), bits))
        worked = await visitor.post(
            "/subscribe", data={"email": "carol@example.com", "ticket": paid, "work": answer}
        )
        assert worked.status_code == 202
        patient = ticket_in((await sign_up(visitor, clock, "dora@example.com")).text)
        clock.advance(seconds=PATIENCE)
        waited = await visitor.post("/subscribe", data={"email": "dora@example.com", "ticket": patient})
        assert waited.status_code == 202
    assert reader_now("carol@example.com")
    assert reader_now("dora@example.com")


async def test_when_the_world_has_signed_up_the_next_is_told_when_to_come_again(
    app: FastAPI, visitor: AsyncClient, clock: Clock
) -> None:
    while app.state.ctx.limits.world.take("", clock()):
        pass
    ctx = app.state.ctx
    paid = ctx.tickets.issue(clock(), wait=0, work=1)
    answer = next(str(n) for n in count() if is_worked(paid, str(n), 1))
    told = await visitor.post(
        "/subscribe", data={"email": "carol@example.com", "ticket": paid, "work": answer}
    )
    assert told.status_code == 429
    assert told.headers["retry-after"]


async def test_sign_ups_at_the_same_moment_share_a_commit_and_none_is_lost(
    app: FastAPI, clock: Clock, reader_now: Look
) -> None:
    made = [app.state.ctx.tickets.issue(clock()) for _ in range(40)]
    clock.advance(seconds=READING)

    async def one(n: int) -> None:
        async with AsyncClient(
            transport=ASGITransport(app, client=(f"198.51.100.{n}", 1)), base_url=BASE
        ) as someone:
            answer = await someone.post("/subscribe", data={"email": f"{n}@example.com", "ticket": made[n]})
            assert answer.status_code == 202

    async with create_task_group() as group:
        for n in range(40):
            group.start_soon(one, n)
    assert all(reader_now(f"{n}@example.com") for n in range(40))
