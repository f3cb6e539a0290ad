"""Tests of the preferences page behind the signed link."""

import json
from datetime import date, time

import pytest
from httpx import AsyncClient

from digest import subscribers
from digest.app.services import Services
from digest.mail.links import Links
from digest.mail.tokens import Keys, Purpose
from digest.models import Frequency, Mix, Paper, Status, Subscriber, Threshold
from digest.ranking.feedback import Feedback, LessReason
from digest.subscribers import Actor
from digest.web.votes import vote
from tests.factories import NOW
from tests.web.visit import BASE, TITLES, Clock, MailLookup, ReaderLookup, url_path

FORM_DATA = {
    "keywords": "sheep, teapots\ncats",
    "text": "I count animals.",
    "authors": "Ada Loveless",
    "categories": "neuroscience",
    "category": ["cs.LG", "stat.ML"],
    "muted": "cows",
    "facet_name": ["Tea", ""],
    "facet_keywords": ["teapots", ""],
    "mix": "mine",
    "trending": "1",
    "picked": "5",
    "threshold": "strict",
    "also_new": "0",
    "language": "en",
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
    return url_path(services.links.preferences_url(ada.public_id))


def load_ada(find_reader: ReaderLookup) -> Subscriber:
    ada = find_reader("ada@example.com")
    assert ada
    return ada


async def test_the_page_shows_the_preferences_beside_todays_digest(visitor: AsyncClient, link: str) -> None:
    page = (await visitor.get(link)).text
    assert "sheep</textarea>" in page
    assert TITLES[0] in page
    assert "Why:" in page


@pytest.mark.parametrize("reason", LessReason)
async def test_the_preview_leaves_out_what_the_reader_wants_less_of(
    visitor: AsyncClient, link: str, services: Services, ada: Subscriber, reason: LessReason
) -> None:
    with services.store.begin() as tx:
        paper = next(paper for paper in tx.papers.search("sheep") if paper.title == TITLES[0])
        vote(tx, ada.public_id, paper, Feedback.LESS, reason=reason, actor=Actor("reader", NOW, b""))
    preview = (await visitor.get(link)).text.partition('id="preview"')[2].partition('class="page"')[0]
    assert TITLES[1] in preview
    assert TITLES[0] not in preview


async def test_the_page_says_when_no_paper_is_near_the_interests(visitor: AsyncClient, link: str) -> None:
    none_near = "No other paper matches your interests well enough today"
    assert none_near not in (await visitor.post(link, data={**FORM_DATA, "threshold": "loose"})).text
    names = ("keywords", "text", "authors", "categories", "category", "muted", "facet_name")
    nothing = dict.fromkeys(names, "")
    far = {**FORM_DATA, **nothing, "keywords": "volcanoes"}
    page = (await visitor.post(link, data=far)).text
    assert none_near in page
    assert "More English keywords" in page
    assert none_near not in (await visitor.post(link, data={**FORM_DATA, **nothing})).text


async def test_everything_can_be_changed_and_is_kept(
    visitor: AsyncClient, link: str, find_reader: ReaderLookup
) -> None:
    response = await visitor.post(link, data={**FORM_DATA, "language": "de"})
    assert response.status_code == 200
    assert "Gespeichert." in response.text
    ada = load_ada(find_reader)
    assert ada.profile.keywords == ("sheep", "teapots", "cats")
    assert ada.profile.categories == ("cs.LG", "stat.ML", "neuroscience")
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
    assert 'name="category" value="cs.LG" checked' in shown
    assert 'name="categories" value="neuroscience"' in shown
    assert "I count animals." in shown


async def test_news_of_known_papers_can_be_switched_off_and_on(
    visitor: AsyncClient, link: str, find_reader: ReaderLookup
) -> None:
    wanted = []
    for data in (FORM_DATA, {**FORM_DATA, "news": "on"}):
        await visitor.post(link, data=data)
        ada = find_reader("ada@example.com")
        assert ada
        wanted.append(ada.preferences.news)
    assert wanted == [False, True]


async def test_journals_subjects_and_venues_of_stored_papers_can_be_ticked(
    visitor: AsyncClient, link: str, services: Services, find_reader: ReaderLookup
) -> None:
    papers = [
        Paper(id=f"doi:10.5555/{n}", title=f"Wool {n}", source=source, categories=categories)
        for n, (source, categories) in enumerate(
            2 * [("pubmed", ("Nature Medicine", "Sheep")), ("openreview", ("FLOCK 2026",))]
        )
    ]
    with services.store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW)
    page = (await visitor.get(link)).text
    for name in ("Nature Medicine", "Sheep", "FLOCK 2026"):
        assert f'name="category" value="{name}">' in page
    followed = {**FORM_DATA, "category": ["Nature Medicine"], "categories": "sheep farming, FLOCK 2026"}
    page = (await visitor.post(link, data=followed)).text
    assert load_ada(find_reader).profile.categories == ("Nature Medicine", "sheep farming", "FLOCK 2026")
    assert 'value="FLOCK 2026" checked>' in page
    assert 'value="sheep farming"' in page


async def test_a_preview_shows_the_change_and_keeps_nothing(
    visitor: AsyncClient, link: str, ada: Subscriber, find_reader: ReaderLookup
) -> None:
    page = (await visitor.post(link, data={**FORM_DATA, "muted": "sheep", "do": "preview"})).text
    assert "with these changes" in page
    assert TITLES[0] not in page
    assert load_ada(find_reader) == ada


INVALID_FIELDS = [
    {"send_at": "25:00"}, {"timezone": "Mars/Olympus"}, {"trending": "-1"}, {"picked": "many"}, {"mix": "x"},
    {"paused_until": "soon"}, {"frequency": "hourly"}, {"weekday": "9"},
    {"threshold": "sky-high"},
]  # fmt: skip


@pytest.mark.parametrize("field", INVALID_FIELDS, ids=str)
async def test_an_invalid_value_is_reported_and_no_text_is_lost(
    visitor: AsyncClient, link: str, ada: Subscriber, find_reader: ReaderLookup, field: dict[str, str]
) -> None:
    response = await visitor.post(link, data={**FORM_DATA, **field})
    assert response.status_code == 422
    assert 'role="alert"' in response.text
    assert "I count animals." in response.text
    assert load_ada(find_reader) == ada


async def test_pasted_papers_are_recognised_and_can_be_deleted(
    visitor: AsyncClient, services: Services, link: str, find_reader: ReaderLookup
) -> None:
    with services.store.begin(write=False) as tx:
        teapots = tx.papers.search("teapots")[0]
    pasted = f"{teapots.url}v2, arxiv:2611.99999 rubbish"
    page = (await visitor.post(link, data={"pasted": pasted, **FORM_DATA})).text
    assert (
        "1 paper recognised. Not recognised, or not stored here: line 1: rubbish, arxiv:2611.99999." in page
    )
    pasted = "@article{x,\n title = {A {History} of Kettles},\n}\n@misc{nameless, year = 2026}"
    page = (await visitor.post(link, data={"pasted": pasted, **FORM_DATA})).text
    assert "1 paper recognised. Not recognised, or not stored here: line 4: nameless." in page
    liked = [liking.title for liking in load_ada(find_reader).profile.liked]
    assert liked == ["A History of Kettles", TITLES[1]]
    await visitor.post(link, data={"do": "forget", "paper": teapots.id})
    await visitor.post(link, data={"do": "forget", "paper": "A History of Kettles"})
    assert load_ada(find_reader).profile.liked == ()


async def test_pasted_papers_are_tried_in_the_preview_and_not_kept(
    visitor: AsyncClient, link: str, ada: Subscriber, find_reader: ReaderLookup
) -> None:
    pasted = "TY  - JOUR\nTI  - Spoons & Forks\nER  - \n"
    page = (await visitor.post(link, data={"pasted": pasted, "do": "preview", **FORM_DATA})).text
    assert "1 paper recognised." in page
    assert "Delete the paper Spoons &amp; Forks" in page
    assert load_ada(find_reader) == ada


async def test_only_the_first_unrecognised_words_are_listed(visitor: AsyncClient, link: str) -> None:
    pasted = "\n".join(f"word{n}" for n in range(300)) + "\n" + "x" * 5000
    page = (await visitor.post(link, data={"pasted": pasted, **FORM_DATA})).text
    assert "word9 and 291 more." in page


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({"keywords": ", ".join(f"tea {n}" for n in range(101))}, "at most 100 entries"),
        ({"muted": "t" * 101}, "at most 100 characters"),
        ({"text": "tea " * 1300}, "at most 5000 characters"),
        ({"facet_name": "Tea", "facet_keywords": "t" * 101}, "at most 100 characters"),
    ],
)
async def test_what_would_have_to_be_cut_is_refused_and_stays_in_the_form(  # noqa: PLR0917  a table's row
    visitor: AsyncClient,
    link: str,
    ada: Subscriber,
    find_reader: ReaderLookup,
    entered: dict[str, str],
    said: str,
) -> None:
    answer = await visitor.post(link, data={**FORM_DATA, **entered})
    assert answer.status_code == 422
    assert said in answer.text
    assert list(entered.values())[-1].strip() in answer.text
    assert load_ada(find_reader) == ada


async def test_a_learnt_term_is_shown_and_can_be_deleted(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str, find_reader: ReaderLookup
) -> None:
    with services.store.begin(write=False) as tx:
        teapots = tx.papers.search("teapots")[0]
    await visitor.post(url_path(services.links.more_url(ada.public_id, teapots.id)))
    terms = [term for term, _ in load_ada(find_reader).profile.learnt]
    assert terms
    assert f"Delete the term {terms[0]}" in (await visitor.get(link)).text
    await visitor.post(link, data={"do": "forget", "term": terms[0]})
    assert terms[0] not in dict(load_ada(find_reader).profile.learnt)
    await visitor.post(link, data={"do": "forget", "everything": "yes"})
    assert not load_ada(find_reader).profile.learnt
    assert not load_ada(find_reader).profile.liked


async def test_a_new_address_must_confirm_first(
    visitor: AsyncClient, link: str, ada: Subscriber, find_reader: ReaderLookup, find_mails: MailLookup
) -> None:
    response = await visitor.post(link, data={"do": "address", "address": "ada@new.example.com"})
    assert "a message is on its way" in response.text
    assert load_ada(find_reader).address == ada.address
    assert [mail.address for mail in find_mails(ada.address)] == ["ada@new.example.com"]
    assert (await visitor.post(link, data={"do": "address", "address": "nobody"})).status_code == 422


async def test_a_taken_address_gets_the_same_answer(
    visitor: AsyncClient, link: str, ada: Subscriber, bob: Subscriber, find_mails: MailLookup
) -> None:
    taken = await visitor.post(link, data={"do": "address", "address": bob.address})
    assert "a message is on its way" in taken.text
    assert find_mails(ada.address) == []


async def test_my_data_can_be_exported_and_erased(
    visitor: AsyncClient, link: str, find_reader: ReaderLookup
) -> None:
    everything = json.loads((await visitor.get(f"{link}/export")).text)
    assert everything["subscriber"]["address"] == "ada@example.com"
    assert "Erase everything?" in (await visitor.post(link, data={"do": "erase"})).text
    assert load_ada(find_reader).address == "ada@example.com"
    assert "erased" in (await visitor.post(link, data={"do": "erase-now"})).text
    assert find_reader("ada@example.com") is None
    assert (await visitor.get(link)).status_code == 404


async def test_a_pause_is_one_press_and_says_when_the_mails_come_again(
    visitor: AsyncClient, link: str, find_reader: ReaderLookup, clock: Clock
) -> None:
    assert 'id="pause"' in (await visitor.get(link)).text  # where the mail's link leads
    page = (await visitor.post(link, data={"do": "pause", "days": "14"})).text
    assert "No emails before Monday 7 December 2026; they resume then." in page
    assert "Resume sending" in page
    assert load_ada(find_reader).schedule.paused_until == date(2026, 12, 7)
    await visitor.post(link, data={"do": "pause", "days": "99999999999"})
    assert load_ada(find_reader).schedule.paused_until == date(2026, 11, 30)
    clock.advance(days=7)
    later = (await visitor.get(link)).text
    assert "You are subscribed." in later
    assert "Send again" not in later


async def test_an_unconfirmed_reader_is_offered_no_pause(
    visitor: AsyncClient, services: Services, bob: Subscriber
) -> None:
    page = await visitor.get(url_path(services.links.preferences_url(bob.public_id)))
    assert 'id="pause"' not in page.text


async def test_resume_ends_a_pause(visitor: AsyncClient, link: str, find_reader: ReaderLookup) -> None:
    await visitor.post(link, data={**FORM_DATA})
    assert load_ada(find_reader).schedule.paused_until
    assert "Emails are sent again." in (await visitor.post(link, data={"do": "resume"})).text
    assert load_ada(find_reader).schedule.paused_until is None
    assert load_ada(find_reader).status is Status.CONFIRMED


async def test_links_that_are_not_ours_open_nothing(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str, find_reader: ReaderLookup
) -> None:
    forged = url_path(Links(BASE, Keys(b"another key")).preferences_url(ada.public_id))
    wrong = services.links.keys.sign(Purpose.UNSUBSCRIBE, ada.public_id)
    for path in (f"{link}x", forged, f"/p/{wrong}", "/p/"):
        for do in ("", "preview", "forget", "address", "erase-now", "revoke-feed", "resume"):
            assert (await visitor.post(path, data={**FORM_DATA, "do": do})).status_code == 404
    assert load_ada(find_reader) == ada


async def test_hostile_interests_are_only_text(
    visitor: AsyncClient, link: str, find_reader: ReaderLookup
) -> None:
    nasty = '"><script>alert(1)</script> {{7*7}}\u202e\r\nBcc: x'
    page = (await visitor.post(link, data={**FORM_DATA, "keywords": nasty, "text": nasty})).text
    assert "<script>" not in page
    assert "{{7*7}}" in page
    assert not any("\n" in word or "\u202e" in word for word in load_ada(find_reader).profile.keywords)


async def test_a_private_feed_is_read_without_a_login_until_its_address_ends(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str
) -> None:
    feed = url_path(services.links.feed_url(ada.public_id, "json"))
    response = await visitor.get(feed)
    assert response.headers["content-type"].startswith("application/feed+json")
    assert response.headers["cache-control"] == "no-store"
    assert (await visitor.get(url_path(services.links.feed_url(ada.public_id)))).status_code == 200
    page = (await visitor.post(link, data={"do": "revoke-feed"})).text
    assert (await visitor.get(feed)).status_code == 404
    renewed = page.partition('-title">Your private feed')[2].partition('href="')[2].partition('"')[0]
    assert (await visitor.get(renewed)).status_code == 200


async def test_facets_are_limited_in_number_and_keywords(
    visitor: AsyncClient, link: str, find_reader: ReaderLookup
) -> None:
    many = {"facet_name": ["Tea"] * 12, "facet_keywords": [",".join(f"k{n}" for n in range(100))] * 12}
    assert (await visitor.post(link, data=FORM_DATA | many)).status_code == 200
    assert [len(facet.keywords) for facet in load_ada(find_reader).profile.facets] == [100] * 8
    many["facet_keywords"][0] += ",one more"
    assert (await visitor.post(link, data=FORM_DATA | many)).status_code == 422


@pytest.mark.parametrize(
    ("days", "status", "sentence"),
    [(6, Status.CONFIRMED, "Emails are sent again."), (8, Status.UNSUBSCRIBED, "a message is on its way")],
)
async def test_unsubscribed_reader_can_subscribe_again(
    visitor: AsyncClient,
    services: Services,
    link: str,
    find_reader: ReaderLookup,
    clock: Clock,
    *,
    days: int,
    status: Status,
    sentence: str,
) -> None:
    assert "Subscribe again" not in (await visitor.get(link)).text
    ada = load_ada(find_reader)
    with services.store.begin() as tx:
        subscribers.unsubscribe(tx, ada.public_id, actor=Actor("test", clock.now, services.secret))
    clock.advance(days=days)
    page = (await visitor.get(link)).text
    assert "You are unsubscribed; nothing is sent." in page
    assert 'id="address"' not in page
    assert "Subscribe again" in page
    page = (await visitor.post(link, data={"do": "subscribe"})).text
    assert sentence in page
    assert load_ada(find_reader).status is status
    assert (load_ada(find_reader).asked_at == clock.now) is (status is Status.UNSUBSCRIBED)  # by email
    refused = await visitor.post(link, data={"do": "address", "address": "x@example.org"})
    assert refused.status_code == (409 if status is Status.UNSUBSCRIBED else 200)


async def test_email_without_papers_is_refused(
    visitor: AsyncClient, link: str, find_reader: ReaderLookup
) -> None:
    none = {"trending": "0", "picked": "0", "also_new": "0"}
    refused = await visitor.post(link, data={**FORM_DATA, **none})
    assert refused.status_code == 422
    assert "An email needs papers" in refused.text
    before = load_ada(find_reader)
    assert (before.preferences.trending, before.preferences.picked) != (0, 0)
    assert (await visitor.post(link, data={**FORM_DATA, **none, "also_new": "1"})).status_code == 200
    page = (await visitor.get(link)).text
    assert page.index('id="preview"') < page.index('id="data"')  # before "Erase everything" on a phone
