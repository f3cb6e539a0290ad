"""Tests of signing up and of its protection against abuse."""

import re
import time
from dataclasses import replace
from itertools import count
from statistics import median

import pytest
from anyio import create_task_group
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from digest import subscribers
from digest.app.services import Services
from digest.models import DeliveryKind, Paper, Status, Subscriber
from digest.subscribers import Actor
from digest.web.app import create_app
from digest.web.form_tokens import FLOOD_WAIT_SECONDS, MIN_READING_SECONDS, is_work_done
from digest.web.rate_limits import FLOOD_THRESHOLD, WORLDWIDE
from tests.factories import NOW
from tests.web.visit import BASE, Clock, MailLookup, ReaderLookup, extract_ticket, fetch_ticket, sign_up


async def test_signing_up_queues_one_mail_that_asks(
    visitor: AsyncClient, clock: Clock, find_reader: ReaderLookup, find_mails: MailLookup
) -> None:
    response = await sign_up(visitor, clock, "carol@example.com", interests="sheep, teapots")
    assert response.status_code == 202
    assert "Check your email" in response.text
    carol = find_reader("carol@example.com")
    assert carol is not None
    assert carol.status is Status.UNCONFIRMED
    assert carol.profile.keywords == ("sheep", "teapots")
    assert [mail.kind for mail in find_mails("carol@example.com")] == [DeliveryKind.CONFIRM]


async def test_the_confirmation_mail_is_queued_without_a_word_the_visitor_typed(
    visitor: AsyncClient, clock: Clock, find_mails: MailLookup
) -> None:
    await sign_up(visitor, clock, "carol@example.com", interests="BUY CHEAP SHEEP http://spam.example")
    assert "spam" not in str(find_mails("carol@example.com")).lower()


async def test_a_search_can_be_subscribed_to(
    visitor: AsyncClient, clock: Clock, find_reader: ReaderLookup
) -> None:
    await sign_up(visitor, clock, "carol@example.com", facet="  counting   sheep ")
    carol = find_reader("carol@example.com")
    assert carol is not None
    assert [facet.name for facet in carol.profile.facets] == ["counting sheep"]


async def test_categories_are_ticked_on_the_form_and_kept_when_it_is_shown_again(
    visitor: AsyncClient, clock: Clock, services: Services, find_reader: ReaderLookup
) -> None:
    papers = [
        Paper(id=f"doi:10.5555/{n}", title=f"Wool {n}", source=source, categories=(name,))
        for n, (source, name) in enumerate(
            2 * (("crossref", "Nature Medicine"), ("openreview", "FLOCK 2026"))
        )
    ]
    with services.store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW)
    page = (await visitor.get("/")).text
    for value, label in (
        ("cs.RO", "Robotics"),
        ("Nature Medicine", "Nature Medicine"),
        ("FLOCK 2026", "FLOCK"),
    ):
        assert f'<input type="checkbox" name="category" value="{value}"><span>{label}' in page
    assert "1078-8956" in page  # the ISSN stands behind the journal's name
    chosen = ["cs.RO", "Nature Medicine"]
    again = (await sign_up(visitor, clock, "carol", category=chosen)).text
    kept = re.findall('name="category" value="([^"]*)"', again)
    fields = {"email": "carol@example.com", "category": kept, "ticket": extract_ticket(again)}
    assert (await visitor.post("/subscribe", data=fields)).status_code == 202
    assert (carol := find_reader("carol@example.com"))
    assert carol.profile.categories == ("cs.RO", "Nature Medicine")

    for wrong in (["cs.XX"], ["x" * 200], ["cs.RO"] * 101):
        assert (await sign_up(visitor, clock, "dan@example.com", category=wrong)).status_code == 422
    program = {"email": "eve@example.com", "categories": ["cs.CL"]}
    assert (await visitor.post("/subscribe", json=program)).status_code == 202
    assert (eve := find_reader("eve@example.com"))
    assert eve.profile.categories == ("cs.CL",)


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@localhost", "a@[127.0.0.1]", "a@b\r\nBcc: c@example.com"],
)
async def test_an_invalid_address_is_refused_with_a_sentence(
    visitor: AsyncClient, clock: Clock, address: str
) -> None:
    response = await sign_up(visitor, clock, address)
    assert response.status_code == 422
    assert "not an email address" in response.text


async def test_a_refused_sign_up_comes_back_with_everything_that_was_typed(
    visitor: AsyncClient, clock: Clock, find_reader: ReaderLookup
) -> None:
    page = (await sign_up(visitor, clock, 'carol "at" example', interests="sheep, teapots")).text
    assert "Check the address" in page
    assert 'value="carol &#34;at&#34; example"' in page
    assert 'value="sheep, teapots"' in page
    corrected = {"email": "carol@example.com", "interests": "sheep, teapots", "ticket": extract_ticket(page)}
    assert (await visitor.post("/subscribe", data=corrected)).status_code == 202
    assert find_reader("carol@example.com") is not None


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
        subscribers.suppress(tx, "sue@example.com", actor=Actor("test", NOW, services.secret))
    addresses = (ada.address, bob.address, "sue@example.com", "new@example.com", ada.address)
    responses = [await sign_up(visitor, clock, address) for address in addresses]
    pages = {
        response.text.replace(address, "YOU") for response, address in zip(responses, addresses, strict=True)
    }
    assert len(pages) == 1  # except for the address that was typed
    assert len({response.status_code for response in responses}) == 1
    shapes = {
        tuple(sorted((name, re.sub(r"=[0-9a-f]+", "", value)) for name, value in response.headers.items()))
        for response in responses
    }
    assert len(shapes) == 1


async def test_a_suppressed_address_gets_no_mail(
    visitor: AsyncClient, clock: Clock, services: Services, find_reader: ReaderLookup
) -> None:
    with services.store.begin() as tx:
        subscribers.suppress(tx, "gone@example.com", actor=Actor("test", NOW, services.secret))
    await sign_up(visitor, clock, "Gone@Example.com")
    assert find_reader("gone@example.com") is None


async def test_known_and_unknown_addresses_are_answered_in_equal_time(
    visitor: AsyncClient, clock: Clock, ada: Subscriber
) -> None:
    async def measure(address: str) -> float:
        form = {"email": address, "ticket": await fetch_ticket(visitor)}
        clock.advance(minutes=15)
        started = time.monotonic()
        assert (await visitor.post("/subscribe", data=form)).status_code == 202
        return time.monotonic() - started

    known_times = [await measure(ada.address) for _ in range(8)]
    unknown_times = [await measure(f"{n}@example.com") for n in range(8)]
    assert abs(median(known_times) - median(unknown_times)) < 0.03


@pytest.fixture
def walk_ins_used_up(app: FastAPI, clock: Clock) -> None:
    """Use up the sign-ups that are accepted without a form read first."""
    while app.state.ctx.limits.without_form.take("", clock()):
        pass


async def test_on_a_quiet_day_a_program_signs_people_up_without_a_form_until_there_are_too_many(
    visitor: AsyncClient, find_reader: ReaderLookup
) -> None:
    responses = [
        await visitor.post("/subscribe", data={"email": f"person{number}@example.com"})
        for number in range(12)
    ]
    assert [response.status_code for response in responses[:10]] == [202] * 10
    assert {response.status_code for response in responses[10:]} <= {428, 429}
    assert find_reader("person0@example.com")


async def test_a_form_sent_faster_than_anyone_reads_is_asked_once_more(
    walk_ins_used_up: None, visitor: AsyncClient, find_reader: ReaderLookup
) -> None:
    response = await visitor.post(
        "/subscribe", data={"email": "carol@example.com", "ticket": await fetch_ticket(visitor)}
    )
    assert response.status_code == 428
    assert "once more" in response.text
    assert find_reader("carol@example.com") is None


async def test_a_form_without_a_ticket_becomes_one_with_a_ticket_and_one_more_press_is_enough(
    walk_ins_used_up: None, visitor: AsyncClient, clock: Clock, find_reader: ReaderLookup
) -> None:
    first = await visitor.post("/subscribe", data={"email": "carol@example.com"})
    assert first.status_code == 428
    clock.advance(seconds=MIN_READING_SECONDS)
    again = await visitor.post(
        "/subscribe", data={"email": "carol@example.com", "ticket": extract_ticket(first.text)}
    )
    assert again.status_code == 202
    assert find_reader("carol@example.com")


async def test_a_form_sent_twice_counts_once(
    visitor: AsyncClient, clock: Clock, find_reader: ReaderLookup
) -> None:
    once = await fetch_ticket(visitor)
    clock.advance(seconds=MIN_READING_SECONDS)
    assert (
        await visitor.post("/subscribe", data={"email": "a@example.com", "ticket": once})
    ).status_code == 202
    assert (
        await visitor.post("/subscribe", data={"email": "b@example.com", "ticket": once})
    ).status_code == 428
    assert find_reader("b@example.com") is None


async def test_a_robot_that_fills_in_the_hidden_field_is_accepted_and_ignored(
    visitor: AsyncClient, clock: Clock, find_reader: ReaderLookup
) -> None:
    person = await sign_up(visitor, clock, "person@example.com")
    robot = await sign_up(visitor, clock, "robot@example.com", website="http://spam.example")
    assert robot.text.replace("robot@", "person@") == person.text
    assert find_reader("robot@example.com") is None


async def test_json_without_the_form_is_held_to_the_same_rules(
    walk_ins_used_up: None, visitor: AsyncClient, clock: Clock, find_reader: ReaderLookup
) -> None:
    first = await visitor.post("/subscribe", json={"email": "carol@example.com"})
    assert first.status_code == 428
    early = await visitor.post(
        "/subscribe", json={"email": "carol@example.com", "ticket": first.json()["ticket"]}
    )
    assert early.status_code == 428
    clock.advance(seconds=MIN_READING_SECONDS)
    done = await visitor.post(
        "/subscribe", json={"email": "carol@example.com", "ticket": early.json()["ticket"]}
    )
    assert done.status_code == 202
    assert find_reader("carol@example.com")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"email": 7}', b'{"email": "' + b"a" * 500 + b'"}'])
async def test_json_of_another_shape_is_refused_and_breaks_nothing(visitor: AsyncClient, body: bytes) -> None:
    response = await visitor.post("/subscribe", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert response.json()["error"]  # as JSON, because JSON was sent


async def test_sign_ups_are_limited_per_visitor(visitor: AsyncClient, clock: Clock) -> None:
    codes = [(await sign_up(visitor, clock, f"{n}@example.com")).status_code for n in range(15)]
    assert codes.count(202) <= 12
    assert codes[-1] == 429


async def test_a_victim_is_asked_at_most_once_in_ten_minutes_wherever_it_comes_from(
    app: FastAPI, clock: Clock, find_mails: MailLookup
) -> None:
    for n in range(20):
        async with AsyncClient(
            transport=ASGITransport(app, client=(f"198.51.100.{n}", 1)), base_url=BASE
        ) as someone:
            assert (await sign_up(someone, clock, "victim@example.com")).status_code == 202
            clock.advance(seconds=20)
    assert len(find_mails("victim@example.com")) == 1


async def test_a_get_of_the_sign_up_changes_nothing(visitor: AsyncClient) -> None:
    response = await visitor.get("/subscribe?email=carol@example.com")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_during_a_flood_one_must_wait_or_work_and_the_cap_holds(
    app: FastAPI, clock: Clock, find_reader: ReaderLookup
) -> None:
    ctx = app.state.ctx
    for _ in range(int(WORLDWIDE.burst * (1 - FLOOD_THRESHOLD)) + 60):
        ctx.limits.worldwide.take("", clock())
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as visitor:
        first = await sign_up(visitor, clock, "carol@example.com")
        assert first.status_code == 428
        assert "script-src 'self'" in first.headers["content-security-policy"]
        work_ticket = extract_ticket(first.text)
        bits = int(re.search(r'data-work="(\d+)"', first.text)[1])  # type: ignore[index]
        solution = next(str(n) for n in count() if is_work_done(work_ticket, str(n), bits))
        worked = await visitor.post(
            "/subscribe", data={"email": "carol@example.com", "ticket": work_ticket, "work": solution}
        )
        assert worked.status_code == 202
        waiting_ticket = extract_ticket((await sign_up(visitor, clock, "dora@example.com")).text)
        clock.advance(seconds=FLOOD_WAIT_SECONDS)
        waited = await visitor.post(
            "/subscribe", data={"email": "dora@example.com", "ticket": waiting_ticket}
        )
        assert waited.status_code == 202
    assert find_reader("carol@example.com")
    assert find_reader("dora@example.com")


async def test_the_global_limit_answers_429_with_retry_after(
    app: FastAPI, visitor: AsyncClient, clock: Clock
) -> None:
    while app.state.ctx.limits.worldwide.take("", clock()):
        pass
    ctx = app.state.ctx
    work_ticket = ctx.signup_guard.tickets.issue(clock(), wait=0, work=1)
    solution = next(str(n) for n in count() if is_work_done(work_ticket, str(n), 1))
    rejected = await visitor.post(
        "/subscribe", data={"email": "carol@example.com", "ticket": work_ticket, "work": solution}
    )
    assert rejected.status_code == 429
    assert rejected.headers["retry-after"]


async def test_concurrent_sign_ups_are_all_stored(
    app: FastAPI, clock: Clock, find_reader: ReaderLookup
) -> None:
    made = [app.state.ctx.signup_guard.tickets.issue(clock()) for _ in range(40)]
    clock.advance(seconds=MIN_READING_SECONDS)

    async def sign_up_one(n: int) -> None:
        async with AsyncClient(
            transport=ASGITransport(app, client=(f"198.51.100.{n}", 1)), base_url=BASE
        ) as someone:
            response = await someone.post("/subscribe", data={"email": f"{n}@example.com", "ticket": made[n]})
            assert response.status_code == 202

    async with create_task_group() as group:
        for n in range(40):
            group.start_soon(sign_up_one, n)
    assert all(find_reader(f"{n}@example.com") for n in range(40))


async def test_visitors_behind_a_proxy_that_adds_ports_are_counted_apart(
    services: Services, clock: Clock
) -> None:
    settings = services.settings.model_copy(update={"trusted_proxies": ("127.0.0.1",)})
    app = create_app(replace(services, settings=settings), clock=clock)
    transport = ASGITransport(app, client=("127.0.0.1", 40_000))
    codes = []
    for number in range(1, 41):
        headers = {"x-forwarded-for": f"198.51.100.{number}:{5000 + number}"}
        async with AsyncClient(transport=transport, base_url=BASE, headers=headers) as visitor:
            codes.append((await sign_up(visitor, clock, f"reader-{number}@example.com")).status_code)

    assert codes == [202] * 40


@pytest.mark.parametrize(
    ("zone", "kept"),
    [("Asia/Kolkata", "Asia/Kolkata"), ("", "UTC"), ("Mars/Olympus", "UTC"), ("../../etc/passwd", "UTC")],
)
async def test_the_time_zone_of_the_form_is_kept_and_an_unknown_one_stops_nobody(
    visitor: AsyncClient, clock: Clock, find_reader: ReaderLookup, zone: str, kept: str
) -> None:
    assert (await sign_up(visitor, clock, "carol@example.com", timezone=zone)).status_code == 202
    carol = find_reader("carol@example.com")
    assert carol is not None
    assert carol.schedule.timezone == kept


async def test_the_language_of_the_page_becomes_that_of_the_mails(
    visitor: AsyncClient, clock: Clock, find_reader: ReaderLookup
) -> None:
    visitor.headers["accept-language"] = "fr-CH, fr;q=0.9, en;q=0.8"
    await sign_up(visitor, clock, "carol@example.com")
    carol = find_reader("carol@example.com")
    assert carol is not None
    assert carol.preferences.language == "fr"
