"""Import of liked papers from Zotero, ORCID and Semantic Scholar by the preferences page."""

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
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.http.policy import ClientPolicy, to_interactive_policy
from digest.web.library_import import LibraryImporter
from digest.web.rate_limits import LIBRARY_IMPORTS_PER_READER
from tests.factories import NOW, store_subscriber
from tests.replay_server import RecordedRequest, ReplayServer, Reply
from tests.web.routes.test_preferences import FORM_DATA
from tests.web.visit import BASE, Clock, ReaderLookup, url_path

REPLAYS = Path(__file__).parents[1] / "replays" / "libraries"
ORCID, KEY = "0000-0002-1825-0097", "p9aAsecretKEYofAdas1234x"
WORKS, ITEMS, PAPERS = f"/v3.0/{ORCID}/works", "/users/4711/items/top", "/graph/v1/author/1741101/papers"
ALL = {**FORM_DATA, "orcid": ORCID, "zotero": "4711", "zotero_key": KEY, "author": "1741101"}


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    """Zotero, ORCID and Semantic Scholar in one."""
    with ReplayServer() as started:
        for path, name in ((WORKS, "orcid"), (ITEMS, "zotero"), (PAPERS, "author")):
            started.set_replies(path, Reply(body=(REPLAYS / f"{name}.json").read_bytes()))
        yield started


def build_importer(server: ReplayServer, *, timeout: float = 20) -> LibraryImporter:
    config = SourceConfig(zotero_url=server.url, orcid_url=server.url, semanticscholar_url=server.url)
    policy = replace(to_interactive_policy(ClientPolicy(user_agent="test", interval=0)), initial_wait=0.001)
    return LibraryImporter(lambda: Client(policy, trusted_urls=(server.url,)), config, timeout=timeout)


@pytest.fixture
def visitor(app: FastAPI, visitor: AsyncClient, server: ReplayServer) -> AsyncClient:
    """The visitor of pages that read libraries from the server of the test."""
    app.state.ctx = replace(app.state.ctx, library_importer=build_importer(server))
    return visitor


@pytest.fixture
def link(services: Services, ada: Subscriber) -> str:
    return url_path(services.links.preferences_url(ada.public_id))


def read_all_files(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


def get_liked_titles(find_reader: ReaderLookup, address: str = "ada@example.com") -> list[str]:
    reader = find_reader(address)
    assert reader
    return [liked.title for liked in reader.profile.liked]


async def test_all_three_libraries_are_read_and_unknown_papers_are_named(
    visitor: AsyncClient, link: str, find_reader: ReaderLookup
) -> None:
    page = (await visitor.post(link, data={**FORM_DATA, "orcid": ORCID})).text
    assert "Saved. 2 papers recognised. Not recognised, or not stored here: arxiv:2611.12001." in page
    page = (await visitor.post(link, data=ALL)).text
    assert "Saved. 4 papers recognised." in page
    assert set(get_liked_titles(find_reader)) == {
        "Counting Sheep at Night", "On Goats", "A Book of Herds", "A Talk Without a Number",
    }  # fmt: skip
    assert 'value="4711"' not in page  # read once, so the fields are empty again


async def test_page_and_command_save_the_same_profile(
    visitor: AsyncClient, services: Services, link: str, server: ReplayServer, find_reader: ReaderLookup
) -> None:
    with services.store.begin() as tx:
        store_subscriber(tx, "bob@example.com", status=Status.CONFIRMED, now=NOW)
    names = ["--zotero", "4711", "--orcid", ORCID, "--author-id", "1741101"]
    urls = {f"DIGEST_{name}_URL": server.url for name in ("ZOTERO", "ORCID", "SEMANTICSCHOLAR")}
    env = {"DIGEST_DATABASE_URL": str(services.store.engine.url), "ZOTERO_API_KEY": KEY, **urls}
    result = await to_thread.run_sync(
        lambda: CliRunner().invoke(command, ["set", "bob@example.com", *names], env=env)
    )
    assert result.exit_code == 0, result.output
    await visitor.post(link, data=ALL)
    assert sorted(get_liked_titles(find_reader)) == sorted(get_liked_titles(find_reader, "bob@example.com"))


async def test_a_key_is_in_no_page_log_or_file_afterwards(
    visitor: AsyncClient,
    link: str,
    server: ReplayServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    pages = [(await visitor.post(link, data=ALL)).text]
    server.set_replies(ITEMS, Reply(status=403, body=b"Invalid key"))
    pages.append((await visitor.post(link, data=ALL)).text)
    assert "The Zotero library could not be read: it is private, and no valid key was given" in pages[1]
    server.set_replies(ITEMS, Reply(status=302, headers={"Location": "http://elsewhere.example/"}))
    pages.append((await visitor.post(link, data={**ALL, "zotero": KEY})).text)  # in the wrong field
    pages.append((await visitor.get(f"{link}/export")).text)
    assert all(request.headers.get("Zotero-API-Key") in (None, KEY) for request in server.requests)
    assert any(request.headers.get("Zotero-API-Key") == KEY for request in server.requests)
    assert [page for page in (*pages[:2], pages[3]) if KEY in page] == []
    assert pages[2].count(KEY) == 1  # still in the wrong field it was typed into
    assert KEY not in caplog.text
    assert KEY.encode() not in await to_thread.run_sync(read_all_files, tmp_path)


async def test_a_slow_library_delays_no_other_request(
    visitor: AsyncClient, link: str, server: ReplayServer, find_reader: ReaderLookup
) -> None:
    requested, released = Event(), Event()

    def respond_slowly(_: RecordedRequest) -> Reply:
        requested.set()
        released.wait(30)
        return Reply(body=(REPLAYS / "orcid.json").read_bytes())

    server.set_replies(WORKS, respond_slowly)
    pages: list[str] = []

    async def save() -> None:
        pages.append((await visitor.post(link, data={**FORM_DATA, "orcid": ORCID})).text)

    async with anyio.create_task_group() as group:
        group.start_soon(save)
        await to_thread.run_sync(requested.wait)
        assert (await visitor.get("/help")).status_code == 200
        assert (await visitor.get(link)).status_code == 200
        assert pages == []
        released.set()
    assert "2 papers recognised" in pages[0]


async def test_a_silent_library_is_reported_in_time_and_everything_else_is_saved(
    app: FastAPI, visitor: AsyncClient, link: str, server: ReplayServer, find_reader: ReaderLookup
) -> None:
    app.state.ctx = replace(app.state.ctx, library_importer=build_importer(server, timeout=0.3))
    server.set_replies(WORKS, Reply(silent=True))
    page = (await visitor.post(link, data={**FORM_DATA, "orcid": ORCID, "keywords": "goats"})).text
    assert "Saved." in page
    assert "The ORCID record did not answer within 0.3 seconds." in page
    assert f'value="{ORCID}"' in page  # saving again reads it again
    ada = find_reader("ada@example.com")
    assert ada
    assert ada.profile.keywords == ("goats",)


async def test_the_imports_of_a_reader_are_rate_limited(
    visitor: AsyncClient, link: str, server: ReplayServer, clock: Clock
) -> None:
    for _ in range(int(LIBRARY_IMPORTS_PER_READER.burst)):
        assert "recognised" in (await visitor.post(link, data={**FORM_DATA, "author": "1741101"})).text
    before = len(server.requests)
    page = (await visitor.post(link, data={**FORM_DATA, "author": "1741101", "orcid": ORCID})).text
    assert page.count("Your libraries were read a moment ago") == 1
    assert "Saved." in page
    assert len(server.requests) == before
    clock.advance(minutes=5)
    assert "recognised" in (await visitor.post(link, data={**FORM_DATA, "author": "1741101"})).text


async def test_nothing_is_read_for_a_preview_an_invalid_form_or_a_forged_link(
    visitor: AsyncClient, link: str, ada: Subscriber, server: ReplayServer
) -> None:
    preview = (await visitor.post(link, data={**ALL, "do": "preview"})).text
    assert "Your libraries are read when you save." in preview
    assert KEY not in preview
    invalid = await visitor.post(link, data={**ALL, "timezone": "Mars/Olympus"})
    assert invalid.status_code == 422
    assert f'value="{ORCID}"' in invalid.text
    assert KEY not in invalid.text
    forged = url_path(Links(BASE, Keys(b"another key")).preferences_url(ada.public_id))
    assert (await visitor.post(forged, data=ALL)).status_code == 404
    assert not server.requests


async def test_links_of_an_orcid_record_and_an_author_can_be_pasted_among_the_papers(
    visitor: AsyncClient, link: str, server: ReplayServer, find_reader: ReaderLookup
) -> None:
    pasted = f"https://orcid.org/{ORCID} https://www.semanticscholar.org/author/A/1741101 rubbish"
    page = (await visitor.post(link, data={**FORM_DATA, "pasted": pasted})).text
    assert "3 papers recognised. Not recognised, or not stored here: line 1: rubbish." in page
    assert {request.path for request in server.requests} == {WORKS, PAPERS}
