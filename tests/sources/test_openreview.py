"""Tests of the OpenReview source."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from digest.models import Health
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, fetch_source
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.openreview import PAGE_SIZE, OpenReview, name_venue, parse
from tests.factories import NOW
from tests.replay_server import RecordedRequest, ReplayServer, Reply

Replay = Callable[[str], bytes]
VENUE = "FLOCK.cc/2026/Conference"


def test_submissions_and_decisions_are_read(replay: Replay) -> None:
    result, _ = parse(replay("openreview/notes.json"), VENUE, NOW)
    submitted, accepted = result.papers
    assert (submitted.id, submitted.title) == (
        "openreview:aB-cD_12xY",
        "Counting Sheep with \N{GREEK SMALL LETTER ALPHA}-Fences",
    )
    assert (submitted.authors, submitted.categories) == ((), ("FLOCK 2026",))  # reviewed blind
    assert (submitted.summary, submitted.keywords) == ("Sheep can be counted.", ("sheep", "fences"))
    assert submitted.url == "https://openreview.net/forum?id=aB-cD_12xY"
    assert (accepted.authors, accepted.aliases) == (("Ada Loveless", "Bo Peep"), ("arxiv:2609.00001",))
    assert accepted.categories == ("FLOCK 2026", "FLOCK 2026 oral")
    assert result.note == "1 submissions could not be read."


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"notes": 1}', b'{"notes": [{}]}', b'{"name": "ForbiddenError"}']
)
def test_unknown_shape_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, VENUE, NOW)


@pytest.mark.parametrize(
    ("venue", "name"),
    [
        ("ICLR.cc/2026/Conference", "ICLR 2026"),
        ("NeurIPS.cc/2025/Datasets_and_Benchmarks_Track", "NeurIPS 2025 Datasets and Benchmarks Track"),
        ("colmweb.org/COLM/2025/Conference", "COLM 2025"),
        ("TMLR", "TMLR"),
    ],
)
def test_venues_have_names_for_people(venue: str, name: str) -> None:
    assert name_venue(venue) == name


async def test_pages_are_read_until_the_notes_are_old_and_a_dead_venue_harms_no_other(
    client: Client, server: ReplayServer
) -> None:
    def page(request: RecordedRequest) -> Reply:
        if not request.query["invitation"].startswith("FLOCK"):
            return Reply(status=403)
        offset = int(request.query["offset"])
        changed = NOW - timedelta(days=1 if offset == 0 else 30)
        notes = [
            {
                "id": f"note{n:07d}",
                "tmdate": changed.timestamp() * 1000,
                "content": {"title": {"value": f"Wool {n}"}},
            }
            for n in range(offset, offset + PAGE_SIZE)
        ]
        return Reply(body=json.dumps({"notes": notes, "count": 9000}).encode())

    server.set_replies("/notes", page)
    dead, result = await fetch_source(
        OpenReview(
            SourceConfig(openreview_url=server.url, openreview_venues=("DEAD.cc/2026/Conference", VENUE))
        ),
        FetchContext(client=client, now=NOW),
    )
    assert (dead.scope, dead.health) == ("DEAD.cc/2026/Conference", Health.FAILED)
    assert (len(result.papers), result.health) == (PAGE_SIZE, Health.OK)
    assert [request.query["offset"] for request in server.requests] == ["0", "0", "1000"]
    assert server.requests[-1].query["sort"] == "tmdate:desc"
