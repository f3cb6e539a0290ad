"""What does a reader want? Everything can be changed by the signed link, and seen at once."""

import json
from datetime import date, time

import pytest
from httpx import AsyncClient

from digest.app.services import Services
from digest.mail.links import Links
from digest.mail.tokens import Keys, Purpose
from digest.models import Frequency, Mix, Status, Subscriber, Threshold
from tests.web.visit import BASE, TITLES, Clock, Look, Mails, path_of

WISHES = {
    "keywords": "sheep, teapots\ncats",
    "text": "I count animals.",
    "authors": "Ada Loveless",
    "categories": "cs.LG stat.ML",
    "muted": "cows",
    "facet_name": ["Tea", ""],
    "facet_keywords": ["teapots", ""],
    "mix": "mine",
    "trending": "1",
    "picked": "5",
    "threshold": "strict",
    "also_new": "0",
    "language": "de",
    "frequency": "weekly",
    "weekday": "2",
    "send_at": "18:30",
    "timezone": "Europe/Berlin",
    "paused_until": "2026-12-24",
    "empty_day_note": "on",
    "clicks_may_teach": "on",
}


@pytest.fixture
def link(services: Services, ada: Subscriber) -> str:
    return path_of(services.links.preferences(ada.pid))


def now_of(reader_now: Look) -> Subscriber:
    ada = reader_now("ada@example.com")
    assert ada
    return ada


async def test_the_page_shows_what_is_chosen_beside_todays_digest(visitor: AsyncClient, link: str) -> None:
    page = (await visitor.get(link)).text
    assert "sheep</textarea>" in page
    assert TITLES[0] in page
    assert "Why:" in page


async def test_the_page_says_so_when_no_paper_is_near_to_what_was_named(
    visitor: AsyncClient, link: str
) -> None:
    none_near = "No paper is near enough to your interests today"
    assert none_near not in (await visitor.post(link, data={**WISHES, "threshold": "loose"})).text
    nothing = dict.fromkeys(("keywords", "text", "authors", "categories", "muted", "facet_name"), "")
    far = {**WISHES, **nothing, "keywords": "volcanoes"}
    assert none_near in (await visitor.post(link, data=far)).text
    assert none_near not in (await visitor.post(link, data={**WISHES, **nothing})).text


async def test_everything_can_be_changed_and_is_kept(
    visitor: AsyncClient, link: str, reader_now: Look
) -> None:
    answer = await visitor.post(link, data=WISHES)
    assert answer.status_code == 200
    assert "Saved." in answer.text
    ada = now_of(reader_now)
    assert ada.profile.keywords == ("sheep", "teapots", "cats")
    assert ada.profile.categories == ("cs.LG", "stat.ML")
    assert ada.profile.muted == ("cows",)
    assert [facet.name for facet in ada.profile.facets] == ["Tea"]
    assert ada.preferences.mix is Mix.MINE
    assert ada.preferences.threshold is Threshold.STRICT
    assert ada.preferences.empty_day_note
    assert ada.preferences.language == "de"
    assert ada.schedule.frequency is Frequency.WEEKLY
    assert ada.schedule.send_at == time(18, 30)
    assert ada.schedule.timezone == "Europe/Berlin"
    assert ada.schedule.paused_until == date(2026, 12, 24)
    shown = (await visitor.get(link)).text
    assert 'value="18:30"' in shown
    assert "I count animals." in shown


async def test_a_preview_shows_the_change_and_keeps_nothing(
    visitor: AsyncClient, link: str, ada: Subscriber, reader_now: Look
) -> None:
    page = (await visitor.post(link, data={**WISHES, "muted": "sheep", "do": "preview"})).text
    assert "with these changes" in page
    assert TITLES[0] not in page
    assert now_of(reader_now) == ada


SENSELESS = [
    {"send_at": "25:00"}, {"timezone": "Mars/Olympus"}, {"trending": "-1"}, {"picked": "many"}, {"mix": "x"},
    {"paused_until": "soon"}, {"frequency": "hourly"}, {"weekday": "9"},
    {"threshold": "sky-high"},
]  # fmt: skip


@pytest.mark.parametrize("wish", SENSELESS, ids=str)
async def test_a_wish_that_makes_no_sense_is_told_and_nothing_is_lost(
    visitor: AsyncClient, link: str, ada: Subscriber, reader_now: Look, wish: dict[str, str]
) -> None:
    answer = await visitor.post(link, data={**WISHES, **wish})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "I count animals." in answer.text
    assert now_of(reader_now) == ada


async def test_pasted_papers_are_understood_and_can_be_deleted(
    visitor: AsyncClient, services: Services, link: str, reader_now: Look
) -> None:
    with services.store.begin(write=False) as tx:
        known = tx.papers.search("teapots")[0]
    pasted = f"{known.url}v2, arxiv:2611.99999 rubbish"
    page = (await visitor.post(link, data={"pasted": pasted, **WISHES})).text
    assert "1 paper understood. Not understood, or not known here: rubbish, arxiv:2611.99999." in page
    pasted = "@article{x,\n title = {A {History} of Kettles},\n}\n@misc{nameless, year = 2026}"
    page = (await visitor.post(link, data={"pasted": pasted, **WISHES})).text
    assert "1 paper understood. Not understood, or not known here: nameless." in page
    liked = [liking.title for liking in now_of(reader_now).profile.liked]
    assert liked == ["A History of Kettles", TITLES[1]]
    await visitor.post(link, data={"do": "forget", "paper": known.id})
    await visitor.post(link, data={"do": "forget", "paper": "A History of Kettles"})
    assert now_of(reader_now).profile.liked == ()


async def test_pasted_papers_are_tried_in_the_preview_and_not_kept(
    visitor: AsyncClient, link: str, ada: Subscriber, reader_now: Look
) -> None:
    pasted = "TY  - JOUR\nTI  - Spoons & Forks\nER  - \n"
    page = (await visitor.post(link, data={"pasted": pasted, "do": "preview", **WISHES})).text
    assert "1 paper understood." in page
    assert "Delete the paper Spoons &amp; Forks" in page
    assert now_of(reader_now) == ada


async def test_of_a_pasted_essay_only_the_first_words_are_named(visitor: AsyncClient, link: str) -> None:
    pasted = " ".join(f"word{n}" for n in range(300)) + " " + "x" * 5000
    page = (await visitor.post(link, data={"pasted": pasted, **WISHES})).text
    assert "word9 and 291 more." in page


async def test_a_learnt_term_is_shown_and_can_be_deleted(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str, reader_now: Look
) -> None:
    with services.store.begin(write=False) as tx:
        teapots = tx.papers.search("teapots")[0]
    await visitor.post(path_of(services.links.more(ada.pid, teapots.id)))
    terms = [term for term, _ in now_of(reader_now).profile.learnt]
    assert terms
    assert f"Delete the term {terms[0]}" in (await visitor.get(link)).text
    await visitor.post(link, data={"do": "forget", "term": terms[0]})
    assert terms[0] not in dict(now_of(reader_now).profile.learnt)
    await visitor.post(link, data={"do": "forget", "everything": "yes"})
    assert not now_of(reader_now).profile.learnt
    assert not now_of(reader_now).profile.liked


async def test_a_new_address_is_asked_first(
    visitor: AsyncClient, link: str, ada: Subscriber, reader_now: Look, mails: Mails
) -> None:
    answer = await visitor.post(link, data={"do": "address", "address": "ada@new.example.com"})
    assert "a message is on its way" in answer.text
    assert now_of(reader_now).address == ada.address
    assert [mail.address for mail in mails(ada.address)] == ["ada@new.example.com"]
    assert (await visitor.post(link, data={"do": "address", "address": "nobody"})).status_code == 422


async def test_a_new_address_that_is_taken_is_answered_alike(
    visitor: AsyncClient, link: str, ada: Subscriber, bob: Subscriber, mails: Mails
) -> None:
    taken = await visitor.post(link, data={"do": "address", "address": bob.address})
    assert "a message is on its way" in taken.text
    assert mails(ada.address) == []


async def test_my_data_can_be_exported_and_erased(visitor: AsyncClient, link: str, reader_now: Look) -> None:
    everything = json.loads((await visitor.get(f"{link}/export")).text)
    assert everything["subscriber"]["address"] == "ada@example.com"
    assert "Erase everything?" in (await visitor.post(link, data={"do": "erase"})).text
    assert now_of(reader_now).address == "ada@example.com"
    assert "erased" in (await visitor.post(link, data={"do": "erase-now"})).text
    assert reader_now("ada@example.com") is None
    assert (await visitor.get(link)).status_code == 404


async def test_a_pause_is_one_press_and_says_when_the_mails_come_again(
    visitor: AsyncClient, link: str, reader_now: Look, clock: Clock
) -> None:
    assert 'id="pause"' in (await visitor.get(link)).text  # where the mail's link leads
    page = (await visitor.post(link, data={"do": "pause", "days": "14"})).text
    assert "No mail before Monday 7 December 2026; then it comes again." in page
    assert "Send again from now on" in page
    assert now_of(reader_now).schedule.paused_until == date(2026, 12, 7)
    await visitor.post(link, data={"do": "pause", "days": "99999999999"})
    assert now_of(reader_now).schedule.paused_until == date(2026, 11, 30)
    clock.advance(days=7)
    later = (await visitor.get(link)).text
    assert "You are subscribed." in later
    assert "Send again" not in later


async def test_who_has_not_confirmed_is_offered_no_pause(
    visitor: AsyncClient, services: Services, bob: Subscriber
) -> None:
    page = await visitor.get(path_of(services.links.preferences(bob.pid)))
    assert 'id="pause"' not in page.text


async def test_a_pause_ends_when_the_reader_says_so(
    visitor: AsyncClient, link: str, reader_now: Look
) -> None:
    await visitor.post(link, data={**WISHES})
    assert now_of(reader_now).schedule.paused_until
    assert "come again" in (await visitor.post(link, data={"do": "resume"})).text
    assert now_of(reader_now).schedule.paused_until is None
    assert now_of(reader_now).status is Status.CONFIRMED


async def test_links_that_are_not_ours_open_nothing(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str, reader_now: Look
) -> None:
    forged = path_of(Links(BASE, Keys(b"another house")).preferences(ada.pid))
    wrong = services.links.keys.sign(Purpose.UNSUBSCRIBE, ada.pid)
    for path in (f"{link}x", forged, f"/p/{wrong}", "/p/"):
        for do in ("", "preview", "forget", "address", "erase-now", "revoke-feed", "resume"):
            assert (await visitor.post(path, data={**WISHES, "do": do})).status_code == 404
    assert now_of(reader_now) == ada


async def test_hostile_interests_are_only_text(visitor: AsyncClient, link: str, reader_now: Look) -> None:
    nasty = '"><script>alert(1)</script> {{7*7}}\u202e\r\nBcc: x'
    page = (await visitor.post(link, data={**WISHES, "keywords": nasty, "text": nasty})).text
    assert "<script" not in page
    assert "{{7*7}}" in page
    assert not any("\n" in word or "\u202e" in word for word in now_of(reader_now).profile.keywords)


async def test_a_private_feed_is_read_without_a_login_until_its_address_ends(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str
) -> None:
    feed = path_of(services.links.feed(ada.pid, "json"))
    answer = await visitor.get(feed)
    assert answer.headers["content-type"].startswith("application/feed+json")
    assert answer.headers["cache-control"] == "no-store"
    assert (await visitor.get(path_of(services.links.feed(ada.pid)))).status_code == 200
    page = (await visitor.post(link, data={"do": "revoke-feed"})).text
    assert (await visitor.get(feed)).status_code == 404
    renewed = page.partition('-title">Your private feed')[2].partition('href="')[2].partition('"')[0]
    assert (await visitor.get(renewed)).status_code == 200


async def test_one_reader_cannot_make_the_ranking_slow_for_all(
    visitor: AsyncClient, link: str, reader_now: Look
) -> None:
    many = {"facet_name": ["Tea"] * 12, "facet_keywords": [",".join(f"k{n}" for n in range(5000))] * 12}
    assert (await visitor.post(link, data=WISHES | many)).status_code == 200
    facets = now_of(reader_now).profile.facets
    assert len(facets) <= 8
    assert all(len(facet.keywords) <= 100 for facet in facets)
