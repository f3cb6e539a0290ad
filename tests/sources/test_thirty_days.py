"""Is no paper lost and none announced twice, when single days are dropped, cut, repeated, late or missed?

Thirty days of arXiv over real HTTP into a real store: genuine papers where they are beside the project,
invented ones where not.
"""

import gzip
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from digest.db import Database
from digest.models import Health
from digest.models.arxiv_calendar import arxiv_announces
from digest.pipeline.run import Fetched, fetch
from digest.sources.arxiv.source import Arxiv
from digest.sources.http.client import Client, ClientPolicy
from tests.replay_server import Asked, ReplayServer, Reply

REPLAY = Path(os.environ.get("DIGEST_REPLAY", Path(__file__).parents[3] / "shared" / "replay"))
FIRST = date(2026, 3, 2)
DAYS = [day for n in range(60) if arxiv_announces(day := FIRST + timedelta(days=n))][:30]
READ_AT = (time(6, 0), time(13, 0))  # UTC; the feeds change at midnight in New York
FAULTS = {
    3: "dropped", 5: "cut", 7: "repeated", 9: "late", 11: "empty", 13: "a web page", 15: "absent",
    16: "absent", 18: "dropped with oai", 20: "repeated with oai", 22: "cut with oai", 24: "absent",
    26: "short", 28: "absent",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Announced:
    """A paper and the day arXiv announced it."""

    number: str
    title: str
    abstract: str
    day: date

    def in_feed(self) -> str:
        return f"""<item><title>{escape(self.title)}</title><link>https://arxiv.org/abs/{self.number}</link>
            <description>arXiv:{self.number}v1 Announce Type: new
            Abstract: {escape(self.abstract)}</description>
            <guid isPermaLink="false">oai:arXiv.org:{self.number}v1</guid><category>cs.CL</category>
            <pubDate>{self.day:%a, %d %b %Y} 00:00:00 -0500</pubDate>
            <arxiv:announce_type>new</arxiv:announce_type><dc:creator>Ada Loveless</dc:creator></item>"""

    def in_harvest(self) -> str:
        return f"""<record><header><identifier>oai:arXiv.org:{self.number}</identifier>
            <datestamp>{self.day}</datestamp></header><metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/">
            <id>{self.number}</id><created>{self.day - timedelta(days=2)}</created><authors><author>
            <keyname>Loveless</keyname><forenames>Ada</forenames></author></authors>
            <title>{escape(self.title)}</title><categories>cs.CL</categories>
            <abstract>{escape(self.abstract)}</abstract></arXiv></metadata></record>"""


def genuine() -> Iterator[Announced]:
    """Real papers, each on the day it was first listed."""
    with gzip.open(REPLAY / "papers-2026-03-02-to-05-29.jsonl.gz", "rt") as lines:
        papers = {paper["id"]: paper for paper in map(json.loads, lines)}
    for number, paper in papers.items():
        yield Announced(number, paper["title"], paper["abstract"], date.fromisoformat(paper["featured"]))


def invented() -> Iterator[Announced]:
    """A dozen papers of ours a day."""
    for day, n in itertools.product(DAYS, range(12)):
        number = f"{day:%y%m}.{day.day:02d}{n:03d}"
        yield Announced(number, f"Sheep {n} of {day}", f"We count sheep number {n} on {day}.", day)


@dataclass
class World:
    """arXiv as it answers on one of the days, with that day's fault."""

    by_day: Mapping[date, list[Announced]]
    day: date = FIRST
    hour: int = 6
    fault: str = ""
    skipped: set[str] = field(default_factory=set)

    def feed(self, _: Asked) -> Reply:
        shown = self.day
        if self.fault.startswith("repeated") or (self.fault == "late" and self.hour < 12):
            shown = DAYS[DAYS.index(self.day) - 1]
        items = "".join(paper.in_feed() for paper in self.by_day[shown])
        if self.fault == "empty":
            items = ""
        head = 'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        body = (
            f'<rss {head} version="2.0"><channel><title>cs.CL updates</title>{items}</channel></rss>'.encode()
        )
        if self.fault.startswith("dropped"):
            return Reply(status=404)
        if self.fault == "a web page":
            return Reply(body=b"<!DOCTYPE html><html><head><title>Maintenance</title></head></html>")
        if self.fault.startswith("cut"):
            return Reply(body=body, cut=len(body) // 2)
        return Reply(body=body[: len(body) // 3] if self.fault == "short" else body)

    def harvest(self, asked: Asked) -> Reply:
        """Pages of twenty records, their place in the token."""
        if self.fault.endswith("with oai"):
            return Reply(status=400)
        since, _, skip = asked.query.get("resumptionToken", f"{asked.query.get('from')}|0").partition("|")
        papers = [p for day in DAYS if since <= str(day) <= str(self.day) for p in self.by_day[day]]
        page, rest = papers[int(skip) : int(skip) + 20], papers[int(skip) + 20 :]
        token = f"<resumptionToken>{since}|{int(skip) + 20}</resumptionToken>" if rest else ""
        records = "".join(paper.in_harvest() for paper in page)
        inside = f"<ListRecords>{records}{token}</ListRecords>" if page else '<error code="noRecordsMatch"/>'
        return Reply(
            body=f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{inside}</OAI-PMH>'.encode()
        )


async def live_through(
    world: World, store: Database, server: ReplayServer, hurried: ClientPolicy
) -> list[Fetched]:
    """Thirty days and the weekends between them, read twice a day."""
    server.answer("/rss/cs.CL", world.feed)
    server.answer("/oai", world.harvest)
    source = Arxiv(categories=("cs.CL",), rss=server.url, oai=f"{server.url}/oai")
    told: list[Fetched] = []
    for n, at in itertools.product(range(len(DAYS)), READ_AT):
        world.day, world.hour, world.fault = DAYS[n], at.hour, FAULTS.get(n, "")
        if world.fault != "absent":
            now = datetime.combine(world.day, at, UTC)
            told += await fetch(store, [source], lambda: Client(hurried, trusted=(server.url,)), now)
    return told


@pytest.fixture(params=["invented", "genuine"])
def by_day(request: pytest.FixtureRequest) -> Mapping[date, list[Announced]]:
    """What arXiv announces on each of the days."""
    if request.param == "genuine" and not REPLAY.is_dir():
        pytest.skip(f"no genuine papers at {REPLAY}; set DIGEST_REPLAY")
    days: dict[date, list[Announced]] = {day: [] for day in DAYS}
    for paper in genuine() if request.param == "genuine" else invented():
        days.get(paper.day, []).append(paper)
    return days


async def test_no_paper_is_lost_none_is_announced_twice_and_every_fault_is_said(
    by_day: Mapping[date, list[Announced]], store: Database, server: ReplayServer, hurried: ClientPolicy
) -> None:
    told = await live_through(World(by_day), store, server, hurried)

    announced = {f"arxiv:{paper.number}": paper.day for day in DAYS for paper in by_day[day]}
    with store.begin(write=False) as tx:
        held = tx.papers.by_ids(list(announced))
    assert set(held) == set(announced)
    assert sum(fetched.new for fetched in told) == len(announced)
    late = Counter(
        DAYS.index(paper.first_seen.date()) - DAYS.index(announced[number])
        for number, paper in held.items()
        if paper.first_seen is not None
    )
    assert max(late) <= 2  # two days of absence in a row; every other fault is made good the next day
    assert late[0] > 0.7 * len(announced)

    first_of_day = {fetched.reading.read_at.date(): fetched.reading for fetched in reversed(told)}
    for n, fault in FAULTS.items():
        if fault != "absent":
            reading = first_of_day[DAYS[n]]
            assert reading.note, fault
            assert (reading.health is Health.OK) != fault.endswith("with oai"), fault
