"""Example mails: invented papers, one reader, one Monday in November."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from digest.mail.branding import Site
from digest.mail.bulk_renderer import BulkRenderer
from digest.mail.links import Links
from digest.mail.mime import build_notice_message
from digest.mail.renderer import AdministrationLink, Alert, Renderer
from digest.mail.tokens import Keys
from digest.models import (
    Edition,
    Email,
    Heat,
    Paper,
    Pick,
    Preferences,
    Profile,
    Reason,
    ReasonKind,
    Section,
    SignalKind,
    Subscriber,
)
from tests.factories import NOW, make_paper, make_subscriber

DAY = date(2026, 11, 23)
SITE = Site(
    brand="Trending Papers",
    base_url="https://papers.example.org",
    sender="digest@papers.example.org",
    reply_to="editor@papers.example.org",
    name="The Papers Club",
    postal_address="12 Library Lane, Oxford OX1 2AB, United Kingdom",
)
LINKS = Links(SITE.base_url, Keys(b"a key for tests only"))
RENDERER = Renderer(SITE, LINKS)
BULK = BulkRenderer(RENDERER)
READER = make_subscriber("ada@example.com")
FIRST = NOW + timedelta(hours=21, minutes=30)
INTERESTS = Profile(keywords=("formal verification", "operating systems"))

HEATS = (
    Heat(
        value=3.4,
        expected=231,
        low=170,
        high=314,
        kind=SignalKind.UPVOTES,
        votes=167,
        hours=9,
        usual=5,
    ),
    Heat(value=2.1, expected=140, kind=SignalKind.UPVOTES, votes=128, hours=57, gained=48, usual_gain=16),
    Heat(
        value=2.0,
        expected=180,
        kind=SignalKind.POINTS,
        votes=140,
        hours=150,
        broke_out_from=12,
        broke_out_on=date(2026, 11, 17),
    ),
)
REASONS = (
    (Reason(because=ReasonKind.TERMS, terms=("diffusion models", "sampling")), 31),
    (Reason(because=ReasonKind.LIKED, liked_title="Small Models for Structure Prediction"), 4),
    (Reason(because=ReasonKind.AUTHOR, author="Petra Novak"), 12),
    (Reason(because=ReasonKind.FACET, facet="honest evaluation"), 0),
    (Reason(because=ReasonKind.TERMS, terms=("attention",), held_since=date(2026, 11, 21)), 7),
    (Reason(because=ReasonKind.EXPLORATION), 9),
)

WEAK_REASONS = {
    0: Reason(because=ReasonKind.TERMS, terms=("type systems",)),
    1: Reason(because=ReasonKind.CATEGORY, category="stat.ML"),
    2: Reason(because=ReasonKind.LIKED, liked_title="Datasheets for Datasets"),
}


@cache
def load_papers() -> dict[int, Paper]:
    """Return nineteen invented papers by their number."""
    rows = map(json.loads, (Path(__file__).parent / "papers.jsonl").read_text().splitlines())
    return {
        number: make_paper(id=f"arxiv:2611.{number:05d}", **row)
        for row in rows
        if (number := row.pop("number"))
    }


def make_picks() -> tuple[Pick, ...]:
    """Return three trending papers, six picked and ten also new."""
    return (*_make_trending(), *_make_picked(), *_make_also_new())


def _make_trending() -> tuple[Pick, ...]:
    first, second, third = (load_papers()[101 + n] for n in range(3))
    papers = (
        first,
        replace(second, code_url="https://github.com/example/opengarden"),
        replace(third, discussion_url="https://news.ycombinator.com/item?id=10000000"),
    )
    return tuple(
        Pick(paper=paper, section=Section.TRENDING, heat=heat, reason=Reason(because=ReasonKind.TREND))
        for paper, heat in zip(papers, HEATS, strict=True)
    )


def _make_picked() -> tuple[Pick, ...]:
    return tuple(
        Pick(
            paper=load_papers()[201 + n],
            section=Section.PICKED,
            heat=Heat(value=0.4, expected=10, kind=SignalKind.UPVOTES, votes=votes),
            affinity=3.4 - n / 10,
            reason=reason,
        )
        for n, (reason, votes) in enumerate(REASONS)
    )


def _make_also_new() -> tuple[Pick, ...]:
    return tuple(
        Pick(
            paper=load_papers()[301 + n],
            section=Section.ALSO_NEW,
            heat=Heat(value=0, expected=5),
            reason=WEAK_REASONS.get(n, Reason(because=ReasonKind.NEW)),
        )
        for n in range(10)
    )


def make_edition(
    *, reader: Subscriber = READER, picks: Sequence[Pick] | None = None, notes: Sequence[str] = ()
) -> Edition:
    """Return the edition of the Monday."""
    return Edition(
        day=DAY,
        slot=datetime(2026, 11, 23, 7, 0, tzinfo=UTC),
        subscriber=reader,
        picks=tuple(make_picks() if picks is None else picks),
        notes=tuple(notes),
    )


def make_reader(language: str) -> Subscriber:
    """Return the reader with another language."""
    return replace(READER, preferences=Preferences(language=language))


@cache
def render_every_mail(language: str = "en", renderer: Renderer = RENDERER) -> dict[str, tuple[Email, bytes]]:
    """Return every kind of mail by name: as rendered and as a MIME message."""
    reader = make_reader(language)
    url = LINKS.confirm_url(reader.public_id, expires=NOW + timedelta(hours=48))
    digests = {
        "digest": make_edition(reader=reader),
        "first": make_edition(reader=reader, notes=("first", "votes-missing")),
        "trending_only": make_edition(reader=reader, picks=make_picks()[:3], notes=("no-interests",)),
        "empty_day": make_edition(reader=reader, picks=()),
    }
    notices = {
        "confirm": renderer.render_confirmation(reader, url, hours=72),
        "address_change": renderer.render_address_change(reader, "ada@new.example.com", url, hours=72),
        "welcome": renderer.render_welcome(replace(reader, profile=INTERESTS), coming=FIRST, at_once=True),
        "goodbye": renderer.render_goodbye(reader),
        "admin_alert": renderer.render_admin_alert(ALERT),
        "admin_link": renderer.render_administration_link(LINK),
    }
    bulk = BulkRenderer(renderer)
    mails = {
        name: (bulk.render_email(edition), bulk.render_digest(edition)) for name, edition in digests.items()
    }
    for name, email in notices.items():
        raw = build_notice_message(email, to=reader.address, at=NOW, key=name, site=SITE, language=language)
        mails[name] = (email, raw)
    return mails


BULK_MAILS = ("digest", "first", "trending_only", "empty_day")
LINK = AdministrationLink(
    url=LINKS.administration_url("k3v9q2hx", 0, expires=NOW + timedelta(days=7)),
    name="Cem Yilmaz",
    role="editor",
    valid_for="seven days",
    invited_by="Dana Loveless",
)
ALERT = Alert(
    "arXiv has not answered since 06:00",
    ("Three readings in a row failed: 503 Service Unavailable.", "Digests go out with the other sources."),
    "Nothing yet: it is read again every hour. If it lasts a day, see `digest status`.",
)
