"""Tests of the Hugging Face source."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from digest.models import Health, SignalKind
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, fetch_source
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.huggingface import HuggingFace, parse
from tests.factories import NOW
from tests.replay_server import RecordedRequest, ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_parse_reads_every_field(replay: Replay) -> None:
    sheep = parse(replay("huggingface/day.json"), "2026-11-23", NOW).papers[0]
    assert sheep.id == "arxiv:2611.12001"
    assert sheep.title == "Counting Sheep with O(√n) Fences: A Naïve Approach"
    assert sheep.authors == ("Ada Loveless", "Nikola Pižamar")
    assert sheep.listed == date(2026, 11, 23)
    assert sheep.published == datetime(2026, 11, 20, tzinfo=UTC)
    assert (sheep.summary, sheep.keywords) == (
        "Counting sheep needs fewer fences than thought.", ("sheep", "fences"),
    )  # fmt: skip
    assert (sheep.code_url, sheep.project_url) == (
        "https://github.com/example/sheep",
        "https://sheep.example.org/",
    )
    assert sheep.discussion_url == "https://huggingface.co/papers/2611.12001"
    assert (sheep.organization, sheep.submitter) == ("University of Dreams", "Sandman")


def test_parse_counts_votes_comments_and_stars(replay: Replay) -> None:
    result = parse(replay("huggingface/day.json"), "2026-11-23", NOW)
    counts = {(s.paper_id[-5:], s.kind): s.value for s in result.signals}
    assert counts == {
        ("12001", SignalKind.UPVOTES): 17,
        ("12001", SignalKind.COMMENTS): 3,  # of the five shown, two are automatic
        ("12001", SignalKind.STARS): 250,
        ("12003", SignalKind.UPVOTES): 0,
        ("12005", SignalKind.UPVOTES): 3,
        ("12005", SignalKind.COMMENTS): 0,
        ("12005", SignalKind.STARS): 0,
    }
    assert {s.observed_at for s in result.signals} == {NOW}


def test_five_fields_are_enough_and_a_broken_paper_is_skipped_with_a_note(replay: Replay) -> None:
    result = parse(replay("huggingface/day.json"), "2026-11-23", NOW)
    assert [paper.id[-5:] for paper in result.papers] == ["12001", "12003", "12005"]
    assert result.papers[1].listed == date(2026, 11, 23)
    assert (result.health, result.note) == (Health.OK, "1 of 4 papers could not be read.")


def test_null_costs_its_field_only() -> None:
    nulls = dict.fromkeys(("summary", "authors", "upvotes", "publishedAt", "githubStars", "organization"))
    paper = {
        "id": "2611.12009",
        "title": "Wool",
        **nulls,
        "authors": [None, {"name": "Ada"}],
    }
    result = parse(json.dumps([None, {"paper": paper, "numComments": None}]).encode(), "2026-11-23", NOW)
    assert [(p.title, p.authors) for p in result.papers] == [("Wool", ("Ada",))]
    assert (result.signals, result.note) == ((), "1 of 2 papers could not be read.")


def test_link_that_is_no_web_address_is_left_out(replay: Replay) -> None:
    assert parse(replay("huggingface/day.json"), "2026-11-23", NOW).papers[2].code_url == ""


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"<html>", b'[{"paper": 1}]', b"[1, 2]", b'["x"]'])
def test_unknown_shape_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "2026-11-23", NOW)


def test_empty_day_is_empty() -> None:
    assert parse(b"[]", "2026-11-22", NOW).health is Health.EMPTY


def papers_json(numbers: range) -> bytes:
    return json.dumps(
        [
            {
                "paper": {
                    "id": f"2611.{n:05d}",
                    "title": f"Paper {n}",
                    "summary": "",
                    "authors": [],
                    "upvotes": n,
                }
            }
            for n in numbers
        ]
    ).encode()


async def test_fetch_reads_seven_days_page_by_page(client: Client, server: ReplayServer) -> None:
    def reply(request: RecordedRequest) -> Reply:
        assert request.query["limit"] == "100"
        if request.query["date"] != "2026-11-23":
            return Reply(body=b"[]")
        return Reply(body=papers_json(range(100) if request.query["p"] == "0" else range(100, 120)))

    server.set_replies("/api/daily_papers", reply)
    (result,) = await fetch_source(
        HuggingFace(SourceConfig(huggingface_url=server.url, arxiv_api_url="")),
        FetchContext(client=client, now=NOW),
    )
    assert (len(result.papers), result.unseen, result.health) == (120, 120, Health.OK)
    assert [request.query["date"] for request in server.requests] == [
        "2026-11-23", "2026-11-23", *(f"2026-11-{day}" for day in range(22, 16, -1)),
    ]  # fmt: skip


async def test_failing_day_is_noted_and_the_others_are_kept(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/api/daily_papers", Reply(body=b"[]"))
    server.set_replies("/api/daily_papers?date=2026-11-20", Reply(body=b"<html>Sorry</html>"))
    server.set_replies("/api/daily_papers?date=2026-11-19", Reply(body=replay("huggingface/day.json")))
    (result,) = await fetch_source(
        HuggingFace(SourceConfig(huggingface_url=server.url, arxiv_api_url="")),
        FetchContext(client=client, now=NOW),
    )
    assert len(result.papers) == 3
    assert result.health is Health.TRUNCATED
    assert result.note.startswith("1 of 7 parts could not be read (2026-11-20): Answered with a web page")


async def test_unavailable_service_is_one_failed_result(client: Client, server: ReplayServer) -> None:
    server.set_replies("/api/daily_papers", Reply(status=503))
    (result,) = await fetch_source(
        HuggingFace(SourceConfig(huggingface_url=server.url, arxiv_api_url="")),
        FetchContext(client=client, now=NOW),
    )
    assert (result.health, result.papers) == (Health.FAILED, ())
    assert result.note == "Answered 503 Service Unavailable."
    assert len(server.requests) == 3  # the other days are not requested


async def test_papers_not_stored_get_their_categories_from_arxiv(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/api/daily_papers", Reply(body=b"[]"))
    server.set_replies("/api/daily_papers?date=2026-11-23", Reply(body=replay("huggingface/day.json")))
    server.set_replies("/api/query", Reply(body=replay("arxiv_api/papers.xml")))
    context = FetchContext(client=client, now=NOW, find_existing=lambda _: {"arxiv:2611.12003"})
    (result,) = await fetch_source(
        HuggingFace(SourceConfig(huggingface_url=server.url, arxiv_api_url=server.url)), context
    )
    assert result.papers[0].categories == ("cs.CL", "cs.LG")
    assert result.papers[0].listed == date(2026, 11, 23)
    assert server.requests_to("/api/query")[0].query["id_list"] == "2611.12001,2611.12005"


async def test_today_is_empty_if_it_has_not_begun_there(client: Client, server: ReplayServer) -> None:
    server.set_replies("/api/daily_papers", Reply(body=papers_json(range(3))))
    server.set_replies("/api/daily_papers?date=2026-11-23", Reply(status=400))
    (result,) = await fetch_source(
        HuggingFace(SourceConfig(huggingface_url=server.url, arxiv_api_url="")),
        FetchContext(client=client, now=NOW),
    )
    assert (result.health, result.note, len(result.papers)) == (Health.OK, "", 3)
