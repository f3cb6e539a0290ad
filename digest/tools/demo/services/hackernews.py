"""The JSON of HN Algolia's search_by_date, with points as of a moment."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from digest.tools.demo.dataset import STORY_CURVE, Dataset, HackerNewsStory, interpolate


def search_by_date(dataset: Dataset, params: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """Return the matching stories, newest first, as one page of the service's answer."""
    matches = sorted(
        (story for story in dataset.stories if story.posted <= now and _is_match(story, params)),
        key=lambda story: story.posted,
        reverse=True,
    )
    size, page = int(params.get("hitsPerPage", "20")), int(params.get("page", "0"))
    return {
        "hits": [_build_hit(story, now) for story in matches[page * size : (page + 1) * size]],
        "hitsPerPage": size,
        "nbHits": len(matches),
        "nbPages": -(-len(matches) // size),
        "page": page,
        "query": params.get("query", ""),
    }


def _is_match(story: HackerNewsStory, params: Mapping[str, str]) -> bool:
    texts = [story.url or ""]
    if params.get("restrictSearchableAttributes") != "url":
        texts.append(story.title)
    query = params.get("query", "").strip('"').lower()
    since = re.search(r"created_at_i>=?(\d+)", params.get("numericFilters", ""))
    is_recent = since is None or story.posted.timestamp() >= int(since[1])
    return is_recent and any(query in text.lower() for text in texts)


def _build_hit(story: HackerNewsStory, now: datetime) -> dict[str, Any]:
    share = interpolate(STORY_CURVE, (now - story.posted).total_seconds() / 3600)
    link = {} if story.url is None else {"url": story.url}  # a story of text alone has no url at all
    return {
        "_tags": ["story", "author_someone", f"story_{story.number}"],
        "author": "someone",
        "created_at": story.posted.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "created_at_i": int(story.posted.timestamp()),
        "num_comments": round(story.comments * share),
        "objectID": str(story.number),
        "points": 1 + round((story.points - 1) * share),
        "story_id": story.number,
        "title": story.title,
    } | link
