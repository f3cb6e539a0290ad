"""What do people on Hugging Face vote for? Claims about its daily papers."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from digest.models import Health, SignalKind
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, read
from digest.sources.http.client import Client
from digest.sources.huggingface import HuggingFace, parse
from tests.factories import NOW
from tests.replay_server import Asked, ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_a_paper_is_read_with_everything_beside_it(replay: Replay) -> None:
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


def test_votes_comments_and_stars_are_counted_as_people_gave_them(replay: Replay) -> None:
    reading = parse(replay("huggingface/day.json"), "2026-11-23", NOW)
    counts = {(s.paper_id[-5:], s.kind): s.value for s in reading.signals}
    assert counts == {
        ("12001", SignalKind.UPVOTES): 17,
        ("12001", SignalKind.COMMENTS): 3,  # of five shown, two are the house's own
        ("12001", SignalKind.STARS): 250,
        ("12003", SignalKind.UPVOTES): 0,
        ("12005", SignalKind.UPVOTES): 3,
        ("12005", SignalKind.COMMENTS): 0,
        ("12005", SignalKind.STARS): 0,
    }
    assert {s.observed_at for s in reading.signals} == {NOW}


def test_five_fields_are_enough_and_a_broken_paper_is_skipped_and_said(replay: Replay) -> None:
    reading = parse(replay("huggingface/day.json"), "2026-11-23", NOW)
    assert [paper.id[-5:] for paper in reading.papers] == ["12001", "12003", "12005"]
    assert reading.papers[1].listed == date(2026, 11, 23)
    assert (reading.health, reading.note) == (Health.OK, "1 of 4 papers could not be read.")


def test_a_link_that_is_no_web_address_is_left_out(replay: Replay) -> None:
    assert parse(replay("huggingface/day.json"), "2026-11-23", NOW).papers[2].code_url == ""


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"<html>", b'[{"paper": 1}]', b"[1, 2]", b'["x"]'])
def test_another_shape_is_a_change_and_never_a_crash(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "2026-11-23", NOW)


def test_an_empty_day_is_empty() -> None:
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


async def test_seven_days_are_read_page_by_page(client: Client, server: ReplayServer) -> None:
    def answer(asked: Asked) -> Reply:
        assert asked.query["limit"] == "100"
        if asked.query["date"] != "2026-11-23":
            return Reply(body=b"[]")
        return Reply(body=papers_json(range(100) if asked.query["p"] == "0" else range(100, 120)))

    server.answer("/api/daily_papers", answer)
    (reading,) = await read(HuggingFace(server.url), FetchContext(client=client, now=NOW))
    assert (len(reading.papers), reading.unseen, reading.health) == (120, 120, Health.OK)
    assert [asked.query["date"] for asked in server.requests] == [
        "2026-11-23", "2026-11-23", *(f"2026-11-{day}" for day in range(22, 16, -1)),
    ]  # fmt: skip


async def test_a_day_that_fails_is_said_and_the_others_stand(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/api/daily_papers", Reply(body=b"[]"))
    server.answer("/api/daily_papers?date=2026-11-20", Reply(body=b"<html>Sorry</html>"))
    server.answer("/api/daily_papers?date=2026-11-19", Reply(body=replay("huggingface/day.json")))
    (reading,) = await read(HuggingFace(server.url), FetchContext(client=client, now=NOW))
    assert len(reading.papers) == 3
    assert reading.health is Health.TRUNCATED
    assert reading.note.startswith("1 of 7 parts could not be read (2026-11-20): Answered with a web page")


async def test_a_dead_hub_is_one_sentence(client: Client, server: ReplayServer) -> None:
    server.answer("/api/daily_papers", Reply(status=503))
    (reading,) = await read(HuggingFace(server.url), FetchContext(client=client, now=NOW))
    assert (reading.health, reading.papers) == (Health.FAILED, ())
    assert reading.note == "Answered 503 Service Unavailable."
    assert len(server.requests) == 3  # it is not asked for the other days


async def test_papers_no_feed_of_ours_announced_get_their_categories(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/api/daily_papers", Reply(body=b"[]"))
    server.answer("/api/daily_papers?date=2026-11-23", Reply(body=replay("huggingface/day.json")))
    server.answer("/api/query", Reply(body=replay("arxiv_api/papers.xml")))
    visit = FetchContext(client=client, now=NOW, known=lambda _: {"arxiv:2611.12003"})
    (reading,) = await read(HuggingFace(server.url, api=server.url), visit)
    assert reading.papers[0].categories == ("cs.CL", "cs.LG")
    assert reading.papers[0].listed == date(2026, 11, 23)
    assert server.asked("/api/query")[0].query["id_list"] == "2611.12001,2611.12005"


async def test_a_today_that_has_not_begun_there_is_simply_empty(client: Client, server: ReplayServer) -> None:
    server.answer("/api/daily_papers", Reply(body=papers_json(range(3))))
    server.answer("/api/daily_papers?date=2026-11-23", Reply(status=400))
    (reading,) = await read(HuggingFace(server.url), FetchContext(client=client, now=NOW))
    assert (reading.health, reading.note, len(reading.papers)) == (Health.OK, "", 3)
