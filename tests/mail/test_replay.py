"""Digests of real days pass every check, where the recorded papers and votes are available."""

import gzip
import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from digest.mail.locale import LANGUAGES
from digest.models import Edition, Heat, Paper, Pick, Reason, ReasonKind, Section, Signal, SignalKind
from digest.trending.heat import compute_heat, sort_by_heat
from tests.mail.checks import find_problems
from tests.mail.examples import BULK, RENDERER, make_reader
from tests.mail.full_renderer import FullRenderer, decode

REPLAY = Path(os.environ.get("DIGEST_REPLAY", Path(__file__).parents[3] / "shared" / "replay"))
FILE = REPLAY / "papers-2026-03-02-to-05-29.jsonl.gz"
DAYS = [date(2026, 3, day) for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13)] + [date(2026, 5, 28)]
SECTIONS = [Section.TRENDING] * 3 + [Section.PICKED] * 6 + [Section.ALSO_NEW] * 10


@cache
def load_rows() -> list[dict[str, Any]]:
    if not FILE.exists():
        pytest.skip(f"no replay data at {REPLAY}: set DIGEST_REPLAY to its folder")
    with gzip.open(FILE, "rt") as lines:
        return [json.loads(line) for line in lines]


def build_edition(day: date, language: str) -> Edition:
    """Return the papers of that day in trending order as of 09:30 UTC."""
    now = datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC)
    papers = {row["id"]: to_paper(row) for row in load_rows() if row["featured"] == day.isoformat()}
    signals = {
        papers[row["id"]].id: tuple(to_signals(row))
        for row in load_rows()
        if row["featured"] == day.isoformat()
    }
    heat = compute_heat(list(papers.values()), signals, now)
    ordered = sort_by_heat(papers.values(), heat)
    return Edition(
        day=day,
        slot=now,
        subscriber=make_reader(language),
        picks=tuple(
            make_pick(paper, heat[paper.id], section)
            for paper, section in zip(ordered, SECTIONS, strict=False)
        ),
    )


def to_paper(row: dict[str, Any]) -> Paper:
    return Paper(
        id=f"arxiv:{row['id']}",
        title=row["title"],
        abstract=row["abstract"],
        url=f"https://arxiv.org/abs/{row['id']}",
        published=datetime.fromisoformat(row["published"]).replace(tzinfo=UTC),
        authors=tuple(row["authors"]),
        keywords=tuple(row["keywords"] or ()),
        code_url=row["github"] or "",
        project_url=row["project_page"] or "",
        listed=date.fromisoformat(row["featured"]),
    )


def to_signals(row: dict[str, Any]) -> Iterator[Signal]:
    for snapshot in row["snapshots"]:
        if snapshot["upvotes"] is not None:
            yield Signal(
                paper_id=f"arxiv:{row['id']}",
                kind=SignalKind.UPVOTES,
                value=snapshot["upvotes"],
                observed_at=datetime.fromisoformat(snapshot["t"]),
                source="huggingface",
            )


def make_pick(paper: Paper, heat: Heat, section: Section) -> Pick:
    reasons = {
        Section.TRENDING: Reason(because=ReasonKind.TREND),
        Section.PICKED: Reason(because=ReasonKind.TERMS, terms=paper.keywords[:3]),
        Section.ALSO_NEW: Reason(because=ReasonKind.NEW),
    }
    return Pick(paper=paper, section=section, heat=heat, reason=reasons[section])


@pytest.mark.parametrize("day", DAYS)
def test_digest_of_a_real_day_has_no_problem_and_a_modest_size(day: date) -> None:
    language = LANGUAGES[day.day % len(LANGUAGES)]
    edition = build_edition(day, language)
    email = BULK.render_email(edition)
    assert find_problems(email, BULK.render_digest(edition), bulk=True) == []
    assert len(email.html.encode()) <= 30_000


def test_real_days_are_rendered_to_the_same_mail_in_bulk() -> None:
    full = FullRenderer(RENDERER)
    for day in DAYS:
        edition = build_edition(day, "en")
        assert decode(BULK.render_digest(edition)) == decode(full.render_digest(edition))
