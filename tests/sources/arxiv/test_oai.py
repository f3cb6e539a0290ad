"""Tests of arXiv's OAI-PMH service."""

from collections.abc import Callable
from datetime import date

import pytest

from digest.models import Announcement, FetchResult, Health
from digest.models.errors import SourceChanged, SourceError
from digest.sources.arxiv.oai import harvest, parse, to_set_spec
from digest.sources.http.client import Client
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_parse_reads_records_with_names_in_reading_order(replay: Replay) -> None:
    page, token = parse(replay("arxiv_oai/first.xml"), "cs.CL", NOW)
    sheep, other = page.papers
    assert sheep.title == "Counting Sheep with O(√n) Fences: A Naïve Approach"
    assert (sheep.authors, other.authors) == (("Ada Loveless", "Nikola Pižamar"), ("Sammy Nap Jr.", "Deepa"))
    assert sheep.abstract == "We count sheep in two lines."
    assert sheep.aliases == ("doi:10.5555/sheep.2026.7",)
    assert (sheep.announcement, sheep.source) == (Announcement.NEW, "arxiv-oai")
    assert token.startswith("verb%3DListRecords")


def test_old_records_are_replacements_and_deleted_ones_are_left_out(replay: Replay) -> None:
    page, token = parse(replay("arxiv_oai/last.xml"), "cs.CL", NOW)
    (old,) = page.papers
    assert (old.id, old.announcement, old.withdrawn) == ("arxiv:cs/0701001", Announcement.REPLACE, True)
    assert token == ""


def test_dublin_core_is_parsed(replay: Replay) -> None:
    page, token = parse(replay("arxiv_oai/dublin_core.xml"), "cs.CL", NOW)
    (paper,) = page.papers
    assert (paper.id, paper.authors) == ("arxiv:1009.1022", ("Ada Loveless",))
    assert (paper.abstract, paper.aliases) == ("They count themselves.", ("doi:10.5555/dublin.1",))
    assert token == "6460044|1001"


def test_no_records_is_empty_and_any_other_error_is_raised(replay: Replay) -> None:
    assert parse(replay("arxiv_oai/none.xml"), "cs.CL", NOW)[0].health is Health.EMPTY
    with pytest.raises(SourceError, match="badArgument: from date format"):
        parse(replay("arxiv_oai/bad_argument.xml"), "cs.CL", NOW)
    with pytest.raises(SourceChanged):
        parse(b"<html><body><h1>Retry after 10 seconds</h1></body></html>", "cs.CL", NOW)


def test_truncated_page_keeps_its_complete_records(replay: Replay) -> None:
    body = replay("arxiv_oai/first.xml")
    page, _ = parse(body[: body.index(b"Only the Archive")], "cs.CL", NOW)
    assert (len(page.papers), page.health) == (1, Health.TRUNCATED)


@pytest.mark.parametrize(
    ("category", "name"),
    [
        ("cs.CL", "cs:cs:CL"), ("cs", "cs"), ("stat.ML", "stat:stat:ML"), ("hep-th", "physics:hep-th"),
        ("cond-mat.supr-con", "physics:cond-mat:supr-con"), ("physics.optics", "physics:physics:optics"),
    ],
)  # fmt: skip
def test_to_set_spec(category: str, name: str) -> None:
    assert to_set_spec(category) == name


async def read_all(client: Client, server: ReplayServer) -> list[FetchResult]:
    url = f"{server.url}/oai"
    return [page async for page in harvest(client, url, "cs.CL", date(2026, 11, 19), NOW)]


async def test_harvest_sends_the_token_alone_and_encoded_again(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies(
        "/oai", Reply(body=replay("arxiv_oai/first.xml")), Reply(body=replay("arxiv_oai/last.xml"))
    )
    pages = await read_all(client, server)
    first, second = (request.query for request in server.requests)
    assert first == {
        "verb": "ListRecords", "metadataPrefix": "arXiv", "set": "cs:cs:CL", "from": "2026-11-19",
    }  # fmt: skip
    assert set(second) == {"verb", "resumptionToken"}
    assert second["resumptionToken"].startswith("verb%3DListRecords")
    assert sum(len(page.papers) for page in pages) == 3


async def test_status_503_with_retry_after_is_retried(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    busy = Reply(
        status=503, headers={"Retry-After": "0"}, body=b"<html><h1>Retry after 0 seconds</h1></html>"
    )
    server.set_replies("/oai", busy, Reply(body=replay("arxiv_oai/last.xml")))
    assert len(await read_all(client, server)) == 1
