"""What trends is one list, wherever it is shown."""

import json
import re
from dataclasses import replace
from datetime import timedelta

from httpx import AsyncClient
from lxml import html

from digest.app.services import Services
from digest.models import Preferences, Section, SignalKind
from digest.pipeline.fitted_models import load_baselines
from digest.pipeline.plan import build_upcoming_edition
from digest.web.trending_lists import TODAY, rank_papers
from tests.factories import NOW, make_paper, make_signal, make_subscriber


def add_papers(services: Services) -> None:
    """Add papers of two days: some with votes of one source or several, some without any."""
    papers = [
        replace(
            make_paper(
                f"Paper number {number}",
                id=f"arxiv:2611.{number:05d}",
                authors=tuple(f"Author {number} {place}" for place in range(number % 7 + 1)),
                first_seen=None,
            ),
            listed=(NOW - timedelta(days=number % 2)).date() if number % 4 else None,
        )
        for number in range(24)
    ]
    signals = [
        make_signal(paper, 7 * number % 90, hours_ago=number % 8 + 1)
        for number, paper in enumerate(papers)
        if paper.listed
    ]
    signals += [
        make_signal(paper, 30 * number, kind=SignalKind.POINTS, source="hackernews", hours_ago=2)
        for number, paper in enumerate(papers[::6], 1)
    ]
    with services.store.begin() as tx:
        for days_ago in (0, 1):
            seen = [paper for number, paper in enumerate(papers) if number % 2 == days_ago]
            tx.papers.add(seen, seen_at=NOW - timedelta(hours=5 + 34 * days_ago))
        tx.signals.add(signals)


async def test_what_trends_is_the_same_list_everywhere(visitor: AsyncClient, services: Services) -> None:
    add_papers(services)
    since = NOW - timedelta(days=TODAY.days)
    rows = rank_papers(services.store, since, NOW, load_baselines(services.store, NOW))
    titles = [row.paper.title for row in rows]
    assert len(titles) > 20
    for path in ("/", f"/archive/{NOW.date()}"):
        page = html.fromstring((await visitor.get(path)).text)
        shown = ["".join(map(str, heading.itertext())).strip() for heading in page.findall(".//article//h2")]
        assert shown == titles[: len(shown)] != [], path
    atom = re.findall("<entry>.*?<title>(.*?)</title>", (await visitor.get("/feed.atom")).text, re.DOTALL)
    entries = json.loads((await visitor.get("/feed.json")).text)["items"]
    assert atom == [entry["title"] for entry in entries] == titles[: len(atom)] != []
    reader = make_subscriber(preferences=Preferences(trending=12, picked=0, also_new=0))
    edition = build_upcoming_edition(services.store, reader, NOW)
    mailed = [pick.paper.title for pick in edition.picks if pick.section is Section.TRENDING]
    voted = [row.paper.title for row in rows if row.heat.votes is not None]  # a mail calls no other trending
    assert mailed == voted[:12]
