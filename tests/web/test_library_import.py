"""A reader's Zotero, ORCID and Semantic Scholar become liked papers by the page as by the command."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import anyio
import pytest
from anyio import to_thread
from click.testing import CliRunner
from fastapi import FastAPI
from httpx import AsyncClient

from digest.app.services import Services
from digest.cli.subscribers import command
from digest.mail.links import Links
from digest.mail.tokens import Keys
from digest.models import Status, Subscriber
from digest.sources.http.client import Client, ClientPolicy
from digest.sources.libraries.clients import Places
from digest.sources.libraries.request import in_a_hurry
from digest.web.library_limits import LibraryImportLimiter
from digest.web.rate_limits import PER_BORROWER
from tests.factories import NOW
from tests.replay_server import Asked, ReplayServer, Reply
from tests.web.routes.test_preferences import WISHES
from tests.web.visit import BASE, Clock, Look, path_of

REPLAYS = Path(__file__).parents[1] / "replays" / "libraries"
ORCID, KEY = "0000-0002-1825-0097", "p9aAsecretKEYofAdas1234x"
WORKS, ITEMS, PAPERS = f"/v3.0/{ORCID}/works", "/users/4711/items/top", "/graph/v1/author/1741101/papers"
ALL = {**WISHES, "orcid": ORCID, "zotero": "4711", "zotero_key": KEY, "author": "1741101"}


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    """Zotero, ORCID and Semantic Scholar in one."""
    with ReplayServer() as started:
        for path, name in ((WORKS, "orcid"), (ITEMS, "zotero"), (PAPERS, "author")):
            started.answer(path, Reply(body=(REPLAYS / f"{name}.json").read_bytes()))
        yield started


def lenders(server: ReplayServer, *, within: float = 20) -> LibraryImportLimiter:
    places = Places(zotero=server.url, orcid=server.url, semanticscholar=server.url)
    manners = replace(in_a_hurry(ClientPolicy(user_agent="test", interval=0)), first_wait=0.001)
    return LibraryImportLimiter(lambda: Client(manners, trusted=(server.url,)), places, within=within)


@pytest.fixture
def visitor(app: FastAPI, visitor: AsyncClient, server: ReplayServer) -> AsyncClient:
    """The visitor of a house that asks the server of the test."""
    app.state.ctx = replace(app.state.ctx, lenders=lenders(server))
    return visitor


@pytest.fixture
def link(services: Services, ada: Subscriber) -> str:
    return path_of(services.links.preferences(ada.pid))


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


def liked(reader_now: Look, address: str = "ada@example.com") -> list[str]:
    reader = reader_now(address)
    assert reader
    return [each.title for each in reader.profile.liked]


async def test_all_three_are_read_and_what_is_not_known_is_named(
    visitor: AsyncClient, link: str, reader_now: Look
) -> None:
    page = (await visitor.post(link, data={**WISHES, "orcid": ORCID})).text
    assert "Saved. 2 papers understood. Not understood, or not known here: arxiv:2611.12001." in page
    page = (await visitor.post(link, data=ALL)).text
    assert "Saved. 4 papers understood." in page
    assert set(liked(reader_now)) == {
        "Counting Sheep at Night", "On Goats", "A Book of Herds", "A Talk Without a Number",
    }  # fmt: skip
    assert 'value="4711"' not in page  # read once: the fields are empty again


async def test_page_and_command_come_to_the_same_profile(
    visitor: AsyncClient, services: Services, link: str, server: ReplayServer, reader_now: Look
) -> None:
    with services.store.begin() as tx:
        tx.subscribers.add("bob@example.com", status=Status.CONFIRMED, now=NOW)
    names = ["--zotero", "4711", "--orcid", ORCID, "--author-id", "1741101"]
    urls = {f"DIGEST_{name}_URL": server.url for name in ("ZOTERO", "ORCID", "SEMANTICSCHOLAR")}
    env = {"DIGEST_DATABASE_URL": str(services.store.engine.url), "ZOTERO_API_KEY": KEY, **urls}
    result = await to_thread.run_sync(
        lambda: CliRunner().invoke(command, ["set", "bob@example.com", *names], env=env)
    )
    assert result.exit_code == 0, result.output
    await visitor.post(link, data=ALL)
    assert sorted(liked(reader_now)) == sorted(liked(reader_now, "bob@example.com"))


async def test_a_key_is_nowhere_afterwards(
    visitor: AsyncClient,
    link: str,
    server: ReplayServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    pages = [(await visitor.post(link, data=ALL)).text]
    server.answer(ITEMS, Reply(status=403, body=b"Invalid key"))
    pages.append((await visitor.post(link, data=ALL)).text)
    assert "The Zotero library could not be read: it is private, and no key or another one" in pages[1]
    server.answer(ITEMS, Reply(status=302, headers={"Location": "http://elsewhere.example/"}))
    pages.append((await visitor.post(link, data={**ALL, "zotero": KEY})).text)  # in the wrong field
    pages.append((await visitor.get(f"{link}/export")).text)
    assert all(asked.headers.get("Zotero-API-Key") in (None, KEY) for asked in server.requests)
    assert any(asked.headers.get("Zotero-API-Key") == KEY for asked in server.requests)
    assert [page for page in (*pages[:2], pages[3]) if KEY in page] == []
    assert pages[2].count(KEY) == 1  # what was typed into the wrong field stands there still
    assert KEY not in caplog.text
    assert KEY.encode() not in await to_thread.run_sync(everything_in, tmp_path)


async def test_a_slow_library_holds_nobody_else(
    visitor: AsyncClient, link: str, server: ReplayServer, reader_now: Look
) -> None:
    asked, released = Event(), Event()

    def slowly(_: Asked) -> Reply:
        asked.set()
        released.wait(30)
        return Reply(body=(REPLAYS / "orcid.json").read_bytes())

    server.answer(WORKS, slowly)
    pages: list[str] = []

    async def save() -> None:
        pages.append((await visitor.post(link, data={**WISHES, "orcid": ORCID})).text)

    async with anyio.create_task_group() as group:
        group.start_soon(save)
        await to_thread.run_sync(asked.wait)
        assert (await visitor.get("/help")).status_code == 200
        assert (await visitor.get(link)).status_code == 200
        assert pages == []
        released.set()
    assert "2 papers understood" in pages[0]


async def test_a_silent_library_is_told_in_time_and_everything_else_is_saved(
    app: FastAPI, visitor: AsyncClient, link: str, server: ReplayServer, reader_now: Look
) -> None:
    app.state.ctx = replace(app.state.ctx, lenders=lenders(server, within=0.3))
    server.answer(WORKS, Reply(silent=True))
    page = (await visitor.post(link, data={**WISHES, "orcid": ORCID, "keywords": "goats"})).text
    assert "Saved." in page
    assert "The ORCID record did not answer within 0.3 seconds." in page
    assert f'value="{ORCID}"' in page  # so that saving again tries again
    ada = reader_now("ada@example.com")
    assert ada
    assert ada.profile.keywords == ("goats",)


async def test_a_reader_may_ask_now_and_then(
    visitor: AsyncClient, link: str, server: ReplayServer, clock: Clock
) -> None:
    for _ in range(int(PER_BORROWER.burst)):
        assert "understood" in (await visitor.post(link, data={**WISHES, "author": "1741101"})).text
    before = len(server.requests)
    page = (await visitor.post(link, data={**WISHES, "author": "1741101", "orcid": ORCID})).text
    assert page.count("Your libraries were read just now") == 1
    assert "Saved." in page
    assert len(server.requests) == before
    clock.advance(minutes=5)
    assert "understood" in (await visitor.post(link, data={**WISHES, "author": "1741101"})).text


async def test_nothing_is_asked_for_a_preview_or_a_form_that_makes_no_sense_or_a_forged_link(
    visitor: AsyncClient, link: str, ada: Subscriber, server: ReplayServer
) -> None:
    tried = (await visitor.post(link, data={**ALL, "do": "preview"})).text
    assert "Your libraries are read when you save." in tried
    assert KEY not in tried
    wrong = await visitor.post(link, data={**ALL, "timezone": "Mars/Olympus"})
    assert wrong.status_code == 422
    assert f'value="{ORCID}"' in wrong.text
    assert KEY not in wrong.text
    forged = path_of(Links(BASE, Keys(b"another house")).preferences(ada.pid))
    assert (await visitor.post(forged, data=ALL)).status_code == 404
    assert not server.requests


async def test_links_of_an_orcid_record_and_an_author_may_be_pasted_among_the_papers(
    visitor: AsyncClient, link: str, server: ReplayServer, reader_now: Look
) -> None:
    pasted = f"https://orcid.org/{ORCID} https://www.semanticscholar.org/author/A/1741101 rubbish"
    page = (await visitor.post(link, data={**WISHES, "pasted": pasted})).text
    assert "3 papers understood. Not understood, or not known here: rubbish." in page
    assert {asked.path for asked in server.requests} == {WORKS, PAPERS}
