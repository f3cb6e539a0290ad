"""What is on Hugging Face's daily list? The JSON of /api/daily_papers, with votes as of a moment."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from digest.tools.demo.dataset import Collection, Listed, votes_at

FEWEST_COMMENTS = 2  # the real service counts its own two
MOST_PER_PAGE = 100


def daily_papers(held: Collection, asked: Mapping[str, str], now: datetime) -> list[dict[str, Any]]:
    """The list of the day, week or month asked for: a bare list, in no order of merit.

    Raises ValueError for a date nobody can read; the service answers that with a 400.
    """
    first, after = _span(held, asked, now)
    shown = [paper for paper in _listed(held, now) if first <= paper.listed < after]
    size = min(int(asked.get("limit", "50")), MOST_PER_PAGE)
    start = int(asked.get("p", "0")) * size
    return [_entry(paper, now) for paper in shown[start : start + size]]


def _span(held: Collection, asked: Mapping[str, str], now: datetime) -> tuple[date, date]:
    if "week" in asked:
        monday = datetime.strptime(f"{asked['week']}-1", "%G-W%V-%u").date()  # noqa: DTZ007  only a day is meant
        return monday, monday + timedelta(days=7)
    if "month" in asked:
        first = date.fromisoformat(f"{asked['month']}-01")
        return first, (first + timedelta(days=32)).replace(day=1)
    latest = max((paper.listed for paper in _listed(held, now)), default=now.date())
    day = date.fromisoformat(asked["date"]) if "date" in asked else latest
    return day, day + timedelta(days=1)


def _listed(held: Collection, now: datetime) -> Sequence[Listed]:
    return [paper for paper in held.listed if paper.appears <= now]


def _entry(paper: Listed, now: datetime) -> dict[str, Any]:
    title, abstract = _without_dollars(paper.title), _without_dollars(paper.abstract)
    published = datetime.combine(paper.published, time(), UTC) - timedelta(days=1)  # the day it was handed in
    organization = {"organization": _organization(paper)} if paper.organization else {}
    return {
        "paper": _paper(paper, now, title, abstract, published) | organization,
        "publishedAt": _iso(published - timedelta(hours=4)),  # the real service's oddity
        "title": title,
        "summary": abstract,
        "thumbnail": f"https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{paper.id}.png",
        "numComments": FEWEST_COMMENTS + _by_now(paper, paper.comments, now),
        "submittedBy": _account(_submitter(paper)),
        "isAuthorParticipating": False,
    } | organization


def _paper(paper: Listed, now: datetime, title: str, abstract: str, published: datetime) -> dict[str, Any]:
    return {
        "id": paper.id,
        "authors": [{"_id": _key(paper.id, name), "name": name, "hidden": False} for name in paper.authors],
        "publishedAt": _iso(published),
        "submittedOnDailyAt": _iso(paper.dawn),
        "title": title,
        "submittedOnDailyBy": _account(_submitter(paper)),
        "summary": abstract,
        "upvotes": _by_now(paper, paper.votes, now),
        "discussionId": _key(paper.id, "discussion"),
    } | _extras(paper, now)


def _extras(paper: Listed, now: datetime) -> dict[str, Any]:
    """What only some papers have: the service leaves the rest out, it never says null."""
    extras: dict[str, Any] = {}
    if paper.summary:
        extras |= {"ai_summary": paper.summary, "ai_keywords": list(paper.keywords)}
    if paper.stars is not None:
        grown = round(paper.stars * (0.4 + 0.6 * _by_now(paper, 100, now) / 100))
        extras |= {
            "githubRepo": f"https://code.example/{paper.repo}",
            "githubRepoAddedBy": "user",
            "githubStars": grown,
        }
    if paper.page:
        extras["projectPage"] = f"https://{paper.repo or 'paper-' + paper.id[-5:]}.example/"
    return extras


def _by_now(paper: Listed, final: int, now: datetime) -> int:
    hours = (now - paper.dawn).total_seconds() / 3600
    return votes_at(hours, final=final, shape=paper.shape, wakes=paper.wakes)


def _organization(paper: Listed) -> dict[str, str]:
    name = paper.organization
    return {"_id": _key(name), "name": name.lower().replace(" ", "-"), "fullname": name}


def _account(name: str) -> dict[str, Any]:
    return {"_id": _key(name), "fullname": name, "name": name, "type": "user", "isPro": False}


def _submitter(paper: Listed) -> str:
    return f"reader-{int(_key(paper.id), 16) % 17:02d}"


def _key(*parts: str) -> str:
    return sha256("/".join(parts).encode()).hexdigest()[:24]


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _without_dollars(text: str) -> str:
    """The service takes the dollars of formulas away and leaves those of money."""
    return re.sub(r"(?<!\\)\$([^$]+?)(?<!\\)\$", r"\1", text)
