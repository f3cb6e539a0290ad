"""The JSON of Hugging Face's /api/daily_papers, with votes as of a moment."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from digest.tools.demo.dataset import Dataset, HuggingFacePaper, count_votes

MIN_COMMENTS = 2  # the real service counts its own two
MAX_PAGE_SIZE = 100


def list_daily_papers(dataset: Dataset, params: Mapping[str, str], now: datetime) -> list[dict[str, Any]]:
    """Return the list of the requested day, by default the latest: a bare list, not ordered by votes."""
    visible = [paper for paper in dataset.listed if paper.day_start + timedelta(hours=paper.hour) <= now]
    latest = max((paper.listed for paper in visible), default=now.date())
    day = date.fromisoformat(params["date"]) if "date" in params else latest
    papers = [paper for paper in visible if paper.listed == day]
    size = min(int(params.get("limit", "50")), MAX_PAGE_SIZE)
    start = int(params.get("p", "0")) * size
    return [_build_entry(paper, now) for paper in papers[start : start + size]]


def _build_entry(paper: HuggingFacePaper, now: datetime) -> dict[str, Any]:
    title, abstract = _remove_math_dollars(paper.title), _remove_math_dollars(paper.abstract)
    published = datetime.combine(paper.published, time(), UTC) - timedelta(days=1)  # the day it was submitted
    user = f"reader-{int(_make_id(paper.id), 16) % 17:02d}"
    submitter = {"_id": _make_id(user), "fullname": user, "name": user, "type": "user", "isPro": False}
    name = paper.organization
    fields = {"_id": _make_id(name), "name": name.lower().replace(" ", "-"), "fullname": name}
    organization = {"organization": fields} if name else {}
    return {
        "paper": {
            "id": paper.id,
            "authors": [
                {"_id": _make_id(paper.id, author), "name": author, "hidden": False}
                for author in paper.authors
            ],
            "publishedAt": _format_iso(published),
            "submittedOnDailyAt": _format_iso(paper.day_start),
            "title": title,
            "submittedOnDailyBy": submitter,
            "summary": abstract,
            "upvotes": _scale_to_now(paper, paper.votes, now),
            "discussionId": _make_id(paper.id, "discussion"),
            **_build_extras(paper, now),
            **organization,
        },
        "publishedAt": _format_iso(published - timedelta(hours=4)),  # the real service's oddity
        "title": title,
        "summary": abstract,
        "thumbnail": f"https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{paper.id}.png",
        "numComments": MIN_COMMENTS + _scale_to_now(paper, paper.comments, now),
        "submittedBy": submitter,
        "isAuthorParticipating": False,
    } | organization


def _build_extras(paper: HuggingFacePaper, now: datetime) -> dict[str, Any]:
    """Return the fields that only some papers have; the service never sends null."""
    extras: dict[str, Any] = {}
    if paper.summary:
        extras |= {"ai_summary": paper.summary, "ai_keywords": list(paper.keywords)}
    if paper.stars is not None:
        stars = round(paper.stars * (0.4 + 0.6 * _scale_to_now(paper, 100, now) / 100))
        extras |= {
            "githubRepo": f"https://code.example/{paper.repo}",
            "githubRepoAddedBy": "user",
            "githubStars": stars,
        }
    if paper.page:
        extras["projectPage"] = f"https://{paper.repo or 'paper-' + paper.id[-5:]}.example/"
    return extras


def _scale_to_now(paper: HuggingFacePaper, final: int, now: datetime) -> int:
    hours = (now - paper.day_start).total_seconds() / 3600
    return count_votes(hours, final=final, shape=paper.shape, wakes=paper.wakes)


def _make_id(*parts: str) -> str:
    return sha256("/".join(parts).encode()).hexdigest()[:24]


def _format_iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _remove_math_dollars(text: str) -> str:
    """Return *text* without the dollar signs of formulas, as the service sends it; those of money stay."""
    return re.sub(r"(?<!\\)\$([^$]+?)(?<!\\)\$", r"\1", text)
