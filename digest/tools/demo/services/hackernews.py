"""Who talks about it? The JSON of HN Algolia's search_by_date, with points as of a moment."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from digest.tools.demo.dataset import STORY, Collection, Story, fraction


def search_by_date(held: Collection, asked: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """The stories found, newest first, as one page of the service's answer."""
    found = sorted(
        (story for story in held.stories if story.posted <= now and _is_meant(story, asked)),
        key=lambda story: story.posted,
        reverse=True,
    )
    size, page = int(asked.get("hitsPerPage", "20")), int(asked.get("page", "0"))
    return {
        "hits": [_hit(story, now) for story in found[page * size : (page + 1) * size]],
        "hitsPerPage": size,
        "nbHits": len(found),
        "nbPages": -(-len(found) // size),
        "page": page,
        "query": asked.get("query", ""),
    }


def _is_meant(story: Story, asked: Mapping[str, str]) -> bool:
    places = [story.url or ""]
    if asked.get("restrictSearchableAttributes") != "url":
        places.append(story.title)
    query = asked.get("query", "").strip('"').lower()
    since = re.search(r"created_at_i>=?(\d+)", asked.get("numericFilters", ""))
    is_recent = since is None or story.posted.timestamp() >= int(since[1])
    return is_recent and any(query in place.lower() for place in places)


def _hit(story: Story, now: datetime) -> dict[str, Any]:
    share = fraction(STORY, (now - story.posted).total_seconds() / 3600)
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
