"""Tests of the page of one subscriber: all settings, two editors at once, mails, timeline and suppression."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from httpx import AsyncClient

from digest import subscribers
from digest.app.services import Services
from digest.db.tables import DELIVERY, VOTE
from digest.models import Status, Subscriber, SuppressionReason
from digest.models.addresses import hash_address
from digest.pipeline import plan
from tests.factories import NOW
from tests.web.admin.conftest import Poster
from tests.web.visit import TITLES, MailLookup, ReaderLookup

ADA = "ada@example.com"
SETTINGS = {
    "boxes": "yes", "keywords": "tea, pots", "text": "I like tea.", "authors": "Ada Loveless",
    "categories": "cs.CL stat.ML", "muted": "cats", "mix": "mine", "trending": "1", "picked": "2",
    "also_new": "4", "threshold": "strict", "language": "de", "frequency": "weekly", "weekday": "3",
    "send_at": "09:15", "timezone": "Europe/Berlin", "paused_until": "", "empty_day_note": "on",
    "facet_name": "Kettles", "facet_keywords": "kettles, stoves",
}  # fmt: skip


@pytest.fixture
def home(ada: Subscriber) -> str:
    return f"/admin/subscribers/{ada.public_id}"


@pytest.fixture
def mail(services: Services, ada: Subscriber, find_mails: MailLookup) -> str:
    """The public id of a digest that ada was sent."""
    with services.store.begin() as tx:
        tx.subscribers.set_next_due({ada.id: NOW})
    assert plan.plan_editions(services.store, NOW).planned == 1
    with services.store.begin() as tx:
        sent = {"state": "accepted", "accepted_at": NOW, "finished_at": NOW}
        tx.connection.execute(sa.update(DELIVERY).values(sent))
    return find_mails(ada.address)[0].public_id


def read_version(page: str) -> str:
    match = re.search(r'name="version" value="(\w+)"', page)
    assert match
    return match[1]


async def test_every_setting_can_be_changed(
    post: Poster, visitor: AsyncClient, ada: Subscriber, home: str, find_reader: ReaderLookup
) -> None:
    version = read_version((await visitor.get(home)).text)
    assert "Saved." in (await post(home, version=version, **SETTINGS)).text
    reader = find_reader(ada.address)
    assert reader
    profile, schedule, wants = reader.profile, reader.schedule, reader.preferences
    assert (profile.keywords, profile.categories, profile.muted) == (
        ("tea", "pots"),
        ("cs.CL", "stat.ML"),
        ("cats",),
    )
    assert [(facet.name, facet.keywords) for facet in profile.facets] == [("Kettles", ("kettles", "stoves"))]
    assert (schedule.frequency, schedule.weekday, schedule.timezone) == ("weekly", 3, "Europe/Berlin")
    assert (wants.mix, wants.trending, wants.picked, wants.language) == ("mine", 1, 2, "de")
    assert wants.empty_day_note
    invalid = await post(home, **{**SETTINGS, "trending": "99"})
    assert invalid.status_code == 422
    assert 'value="99"' in invalid.text


async def test_of_two_editors_the_second_is_told_and_sees_both(
    post: Poster, visitor: AsyncClient, ada: Subscriber, home: str, find_reader: ReaderLookup
) -> None:
    version = read_version((await visitor.get(home)).text)
    await post(home, version=version, **SETTINGS)
    assert (await post(home, version=version, **SETTINGS)).status_code == 200  # the same sent twice
    late = await post(home, version=version, **{**SETTINGS, "keywords": "coffee"})
    assert late.status_code == 409
    assert "<td>tea, pots</td><td>coffee</td>" in late.text
    reader = find_reader(ada.address)
    assert reader
    assert reader.profile.keywords == ("tea", "pots")
    await post(home, **{**SETTINGS, "keywords": "coffee", "version": read_version(late.text)})
    reader = find_reader(ada.address)
    assert reader
    assert reader.profile.keywords == ("coffee",)


async def test_tags_are_replaced_and_shown(
    post: Poster, visitor: AsyncClient, services: Services, ada: Subscriber, home: str
) -> None:
    for tags in ("beta, <b>vip</b>", "beta; 2026"):
        await post(f"{home}/tags", tags=tags)
    with services.store.begin(write=False) as tx:
        assert tx.tags.get_by_subscriber([ada.id]) == {ada.id: ("2026", "beta")}
        assert len([line for line in tx.audit.search() if line.action == "tag"]) == 2
    assert '<a class="tag" href="/admin/subscribers?tag=2026">' in (await visitor.get(home)).text


async def test_an_address_is_changed_at_once_or_after_the_reader_confirms(
    post: Poster,
    home: str,
    bob: Subscriber,
    find_reader: ReaderLookup,
    find_mails: MailLookup,
) -> None:
    assert (await post(f"{home}/address", address="ada@example.org")).headers["location"].endswith("asked")
    assert find_reader(ADA)
    assert [mail.address for mail in find_mails(ADA)] == ["ada@example.org"]
    again = await post(f"{home}/address", address="ada@example.net")
    assert "in the last ten minutes" in again.text
    for taken in (bob.address, "nonsense"):
        assert (await post(f"{home}/address", address=taken, confirmed="on")).status_code == 422
    await post(f"{home}/address", address="ada@example.net", confirmed="on")
    assert find_reader("ada@example.net")


async def test_administrator_learns_that_no_email_asks_an_address_that_is_taken_or_suppressed(
    post: Poster, home: str, bob: Subscriber, services: Services, find_mails: MailLookup
) -> None:
    with services.store.begin() as tx:
        key = hash_address(services.suppression_key, "left@example.org")
        tx.suppressions.add(key, SuppressionReason.COMPLAINT, now=NOW)
    for address in (bob.address, "left@example.org"):
        response = await post(f"{home}/address", address=address)
        assert response.status_code == 422
        assert "No email was sent" in response.text
    assert not find_mails(ADA)


async def test_a_mail_is_shown_as_it_was_sent_and_sent_again_once_a_day(
    post: Poster, visitor: AsyncClient, home: str, mail: str, find_mails: MailLookup
) -> None:
    shown = await visitor.get(f"{home}/mails/{mail}")
    assert TITLES[0] in shown.text
    assert "sandbox srcdoc=" in shown.text
    assert "script-src" not in shown.headers["content-security-policy"]
    assert TITLES[0] in (await visitor.get(f"{home}/next")).text
    assert "As it was sent" in (await visitor.get(home)).text
    assert (await post(f"{home}/mails/{mail}/resend")).status_code == 303
    again = await post(f"{home}/mails/{mail}/resend")
    assert again.status_code == 409
    assert "already sent again today" in again.text
    assert sorted(item.state for item in find_mails(ADA)) == ["accepted", "queued"]
    for unknown in ("x", f"{mail}x"):
        assert (await visitor.get(f"{home}/mails/{unknown}")).status_code == 404


async def test_the_links_of_a_shown_mail_do_nothing(
    post: Poster, visitor: AsyncClient, home: str, mail: str
) -> None:
    shown = (await visitor.get(f"{home}/mails/{mail}")).text
    links = set(re.findall(r"https?://[^/\s]+(/[puve]/[\w.~-]+)", shown))
    assert len(links) > 3
    for link in links:
        assert (await visitor.get(link)).status_code == 404


async def test_no_mail_goes_again_to_who_left(
    post: Poster, services: Services, ada: Subscriber, home: str, mail: str
) -> None:
    with services.store.begin() as tx:
        actor = subscribers.Actor("reader", NOW, services.suppression_key)
        subscribers.unsubscribe(tx, ada.public_id, actor=actor)
    assert (await post(f"{home}/mails/{mail}/resend")).status_code == 409


@pytest.mark.usefixtures("mail")
async def test_the_timeline_tells_mails_votes_and_changes(
    post: Poster, visitor: AsyncClient, services: Services, ada: Subscriber, home: str
) -> None:
    with services.store.begin() as tx:
        paper = tx.papers.search("sheep")[0]
        row = {"subscriber_id": ada.id, "at": NOW, "paper_id": paper.id, "verdict": "more"}
        tx.connection.execute(sa.insert(VOTE).values(row))
    await post(f"{home}/pause")
    await post(f"{home}/address", address="ada@new.example")
    page = (await visitor.get(home)).text
    what_was_done = ("pause by", "ask address by", "Email: address change")
    for text in ("Digest of 23 Nov", "Vote: More like this", TITLES[0], *what_was_done):
        assert text in page


async def test_the_page_says_why_there_is_no_digest_of_the_latest_slot(
    post: Poster, visitor: AsyncClient, services: Services, ada: Subscriber, home: str
) -> None:
    said = "No digest was made when one was due (23 Nov, 07:00 UTC)"
    with services.store.begin() as tx:
        tx.subscribers.save(replace(ada, status_since=NOW - timedelta(days=1), next_due=NOW))
    assert said not in (await visitor.get(home)).text  # it is about to be made
    with services.store.begin() as tx:
        tx.subscribers.set_next_due({ada.id: NOW + timedelta(days=1)})
    assert said in (await visitor.get(home)).text
    await post(f"{home}/pause")
    assert said not in (await visitor.get(home)).text


async def test_destructive_actions_ask_first_and_a_suppression_is_lifted(
    post: Poster,
    visitor: AsyncClient,
    services: Services,
    home: str,
    find_reader: ReaderLookup,
) -> None:
    page = (await visitor.get(home)).text
    assert f'action="{home}/erase"' not in page
    assert f'action="{home}/suppress"' not in page
    for action in ("suppress", "erase"):
        asked = await visitor.get(f"{home}/confirm/{action}")
        assert f'action="{home}/{action}"' in asked.text
    assert find_reader(ADA)
    page = (await post(f"{home}/suppress")).headers["location"]
    assert page == f"{home}?done=suppress"
    page = (await visitor.get(page)).text
    assert "Nothing is sent to this address any more." in page
    assert "An administrator (DIGEST_ADMIN_TOKEN)" in page
    assert "An administrator (DIGEST_ADMIN_TOKEN)" in (await visitor.get(f"{home}/confirm/lift")).text
    listed = (await visitor.get("/admin/suppressions")).text
    assert "An administrator</td><td>DIGEST_ADMIN_TOKEN" in listed
    assert '<span class="status bad">suppressed</span>' in page
    assert f'href="{home}/confirm/lift"' in page
    await post(f"{home}/lift")
    reader = find_reader(ADA)
    assert reader
    assert reader.status is Status.CONFIRMED
    with services.store.begin() as tx:
        tx.suppressions.add(hash_address(services.suppression_key, ADA), SuppressionReason.COMPLAINT, now=NOW)
    assert "asked not to be written to" in (await visitor.get(f"{home}/confirm/lift")).text
    assert (await visitor.get(f"{home}/confirm/nonsense")).status_code == 422
