"""The page of saved papers: notes, tags, downloads, the feed, and Zotero."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from fastapi import FastAPI
from httpx import AsyncClient

from digest.app.services import Services
from digest.models import Paper, Subscriber
from digest.models.saved_papers import ZoteroAccount, ZoteroProblem
from digest.sources.http.client import Client
from digest.sources.http.policy import ClientPolicy
from digest.subscribers import Actor, save_settings
from digest.subscribers.saved_papers import annotate_saved_paper, save_paper
from tests.factories import NOW, make_paper
from tests.replay_server import ReplayServer, Reply
from tests.web.visit import url_path

KEY = "P9NiFoyLeZu2bZNvvuQPDWsd"
PAPERS = tuple(
    make_paper(f"Sheep, Part {number}", id=f"arxiv:2611.9000{number}", abstract="Of wool.")
    for number in (1, 2)
)
ACTOR = Actor("reader", NOW - timedelta(minutes=1), b"key")


@pytest.fixture
def link(services: Services, ada: Subscriber) -> str:
    """The path of the saved papers of Ada, who saved the first paper."""
    with services.store.begin() as tx:
        tx.papers.add(PAPERS, seen_at=NOW)
        save_paper(tx, ada, PAPERS[0], actor=ACTOR)
        annotate_saved_paper(tx, ada, PAPERS[0], note="Knit <this>", tags="Wool, to read")
    return f"{url_path(services.links.preferences_url(ada.public_id))}/saved"


@pytest.fixture
def zotero(app: FastAPI, services: Services) -> Iterator[ReplayServer]:
    """Zotero, on loopback."""
    policy = ClientPolicy(user_agent="test", interval=0, attempts=1, read_timeout=0.5)
    with ReplayServer() as server:
        services.__dict__["zotero"] = replace(
            services.zotero,
            open_client=lambda: Client(policy, trusted_urls=(server.url,)),
            base_url=server.url,
        )
        yield server


def _allow(*, write: bool = True) -> Reply:
    access = {"user": {"library": True, "write": write}}
    return Reply(body=json.dumps({"userID": 4711, "access": access}).encode())


def _list(services: Services, reader: Subscriber) -> list[tuple[str, str, tuple[str, ...]]]:
    with services.store.begin(write=False) as tx:
        saved = tx.saved_papers.list_by_subscriber(reader.id)
    return [(item.paper.title, item.note, item.tags) for item in saved]


def _find_account(services: Services, reader: Subscriber) -> ZoteroAccount | None:
    with services.store.begin(write=False) as tx:
        return tx.zotero_accounts.find(reader.id)


async def test_the_page_shows_papers_with_notes_and_tags(visitor: AsyncClient, link: str) -> None:
    page = await visitor.get(link)

    assert page.status_code == 200
    assert "Knit &lt;this&gt;" in page.text
    assert "1 paper" in page.text
    assert page.headers["cache-control"] == "no-store"
    links = [a["href"] for a in BeautifulSoup(page.text, "html.parser").select(".tags a")]
    assert links == [link, f"{link}?tag=to%20read", f"{link}?tag=Wool"]
    assert "Sheep, Part 1" in (await visitor.get(f"{link}?tag=WOOL")).text
    assert "Sheep, Part 1" not in (await visitor.get(f"{link}?tag=goats")).text


@pytest.mark.parametrize("name", ["2611.90002", "https://arxiv.org/abs/2611.90002v3", " arxiv:2611.90002 "])
async def test_a_paper_is_added_by_id_or_link_once(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str, name: str
) -> None:
    first = await visitor.post(link, data={"do": "add", "paper": name})
    again = await visitor.post(link, data={"do": "add", "paper": name})

    assert "Saved." in first.text
    assert "already saved" in again.text
    assert [title for title, _, _ in _list(services, ada)] == ["Sheep, Part 2", "Sheep, Part 1"]


async def test_notes_and_tags_are_changed_and_papers_removed(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str
) -> None:
    paper = PAPERS[0].id

    await visitor.post(
        link, data={"do": "annotate", "paper": paper, "note": " Two\r\nlines ", "tags": "#a,A, b;"}
    )
    assert _list(services, ada) == [("Sheep, Part 1", "Two\nlines", ("A", "b"))]

    long = await visitor.post(link, data={"do": "annotate", "paper": paper, "note": "x" * 2001})
    assert (long.status_code, "too long" in long.text) == (422, True)

    await visitor.post(link, data={"do": "remove", "paper": paper})
    assert _list(services, ada) == []
    gone = await visitor.post(link, data={"do": "annotate", "paper": paper, "note": "x"})
    assert (gone.status_code, "not among your saved papers" in gone.text) == (422, True)


@pytest.mark.parametrize("data", [{"do": "add", "paper": "2611.99999"}, {"do": "add"}, {"do": "remove"}])
async def test_an_unknown_paper_is_named_as_such(
    visitor: AsyncClient, link: str, data: dict[str, str]
) -> None:
    answer = await visitor.post(link, data=data)

    assert answer.status_code == 422
    assert "No such paper is stored here" in answer.text


async def test_an_unknown_action_changes_nothing(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str
) -> None:
    assert (await visitor.post(link, data={"do": "dance"})).status_code == 200
    assert len(_list(services, ada)) == 1


async def test_saved_papers_are_downloaded_and_read_as_a_feed(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str
) -> None:
    bibtex = await visitor.get(f"{link}/bibtex?tag=wool")
    assert "annote = {Knit \\ensuremath{<}this\\ensuremath{>}}" in bibtex.text
    assert 'filename="saved-papers-wool.bib"' in bibtex.headers["content-disposition"]
    assert (await visitor.get(f"{link}/word")).status_code == 404

    page = (await visitor.get(link)).text
    atom, feed = (re.search(rf'href="(/f/[^"]+/saved\.{kind})"', page) for kind in ("atom", "json"))
    assert atom
    assert feed
    assert "Sheep, Part 1" in (await visitor.get(atom[1])).text
    items = (await visitor.get(feed[1])).json()["items"]
    assert items[0]["content_text"].splitlines() == ["Knit <this>", "Of wool.", "#Wool #to read"]

    renewed = replace(ada, preferences=replace(ada.preferences, feed_revision=1))
    with services.store.begin() as tx:
        save_settings(tx, renewed, actor=ACTOR)
    assert (await visitor.get(atom[1])).status_code == 404


async def test_a_long_list_has_pages(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str
) -> None:
    papers = [make_paper(f"Goats {number}", id=f"arxiv:2611.8{number:04d}") for number in range(60)]
    with services.store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW)
        for paper in papers:
            save_paper(tx, ada, paper, actor=ACTOR)

    pages = [
        BeautifulSoup((await visitor.get(f"{link}?page={number}")).text, "html.parser")
        for number in (1, 2, 9)
    ]

    assert [len(page.select("li.paper")) for page in pages] == [50, 11, 11]
    assert [bool(page.select("a[rel=next]")) for page in pages] == [True, False, False]


async def test_zotero_is_connected_by_a_key_that_is_never_shown_again(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str, zotero: ReplayServer
) -> None:
    zotero.set_replies("/keys/current", _allow())

    connected = await visitor.post(link, data={"do": "connect", "zotero_key": KEY})

    account = _find_account(services, ada)
    assert account
    assert (account.library, account.next_at) == ("users/4711", NOW)
    assert services.sealer.open(account.sealed_key) == KEY
    for shown in (connected.text, (await visitor.get(link)).text):
        assert KEY not in shown
        assert "users/4711" in shown
        assert "1 paper is waiting" in shown
    await visitor.post(link, data={"do": "disconnect"})
    assert _find_account(services, ada) is None


@pytest.mark.parametrize(
    ("key", "reply", "words"),
    [
        (KEY, _allow(write=False), "cannot write to this library"),
        (KEY, Reply(status=403), "does not know this key"),
        (KEY, Reply(status=503), "is not answering"),
        (KEY, Reply(status=429, headers={"Retry-After": "900"}), "is not answering"),
        (KEY, Reply(silent=True), "is not answering"),
        (KEY, Reply(body=b"[]"), "is not answering"),
        ("my key", _allow(), "A Zotero key has"),
    ],
)
async def test_a_key_that_cannot_be_used_is_not_stored(  # noqa: PLR0917  fixtures
    visitor: AsyncClient,
    services: Services,
    ada: Subscriber,
    link: str,
    zotero: ReplayServer,
    key: str,
    reply: Reply,
    words: str,
) -> None:
    zotero.set_replies("/keys/current", reply)

    answer = await visitor.post(link, data={"do": "connect", "zotero_key": key})

    assert answer.status_code == 422
    assert words in answer.text
    assert key not in answer.text
    assert _find_account(services, ada) is None


async def test_zotero_is_asked_about_a_few_keys_only(
    visitor: AsyncClient, link: str, zotero: ReplayServer
) -> None:
    zotero.set_replies("/keys/current", Reply(status=403))

    answers = [await visitor.post(link, data={"do": "connect", "zotero_key": KEY}) for _ in range(4)]

    assert len(zotero.requests) == 3
    assert "a moment ago" in answers[-1].text


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (ZoteroProblem.REFUSED, "Zotero refused the key"),
        (ZoteroProblem.UNREADABLE, "Enter it again"),
        (f"{ZoteroProblem.UNREACHABLE} answered 503 <b>", "They will be sent again later."),
        (f"{ZoteroProblem.REJECTED} Sheep: bad field", "Sheep: bad field"),
        ("unheard of", "Download them"),
    ],
)
async def test_problems_with_zotero_are_said(  # noqa: PLR0917  fixtures
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str, problem: str, words: str
) -> None:
    account = ZoteroAccount(
        subscriber_id=ada.id, library="users/1", sealed_key="", connected_at=NOW, problem=problem
    )
    with services.store.begin() as tx:
        tx.zotero_accounts.save(account)

    assert words in (await visitor.get(link)).text
    refused = await visitor.post(link, data={"do": "resend"})
    assert (refused.status_code, "not connected" in refused.text) == (422, True)


async def test_hostile_papers_and_notes_are_text(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str
) -> None:
    hostile: Paper = make_paper("<script>{{7*7}}</script>", id="arxiv:2611.90009")
    with services.store.begin() as tx:
        tx.papers.add([hostile], seen_at=NOW)
        save_paper(tx, ada, hostile, actor=ACTOR)
    await visitor.post(
        link, data={"do": "annotate", "paper": hostile.id, "note": "</textarea><script>", "tags": '"><b>'}
    )

    page = (await visitor.get(link)).text
    assert "<script>{{" not in page
    assert "</textarea><script>" not in page
    assert '"><b>' not in page


async def test_saving_by_a_vote_saves_and_undoing_it_removes(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str
) -> None:
    del link  # the papers are stored
    vote = url_path(services.links.more_url(ada.public_id, PAPERS[1].id))

    answer = await visitor.post(vote, data={"verdict": "save"})
    assert "Saved, and noted" in answer.text
    assert "Sheep, Part 2" in [title for title, _, _ in _list(services, ada)]

    await visitor.post(vote, data={"verdict": "undo"})
    assert "Sheep, Part 2" not in [title for title, _, _ in _list(services, ada)]


async def test_a_copy_of_my_data_has_saved_papers_and_no_key(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str, zotero: ReplayServer
) -> None:
    zotero.set_replies("/keys/current", _allow())
    await visitor.post(link, data={"do": "connect", "zotero_key": KEY})

    copy = await visitor.get(link.replace("/saved", "/export"))

    [saved] = copy.json()["saved"]
    assert (saved["paper"], saved["note"], saved["tags"]) == (
        PAPERS[0].id,
        "Knit <this>",
        ["Wool", "to read"],
    )
    account = _find_account(services, ada)
    assert account
    assert account.sealed_key not in copy.text
