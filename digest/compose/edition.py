"""How is an edition remembered? Ids, numbers and reasons: enough to render the same mail again, no HTML.

Heat and reason are kept as JSON of their own: a paper's is the same in thousands of editions, so it is
written and read once.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from digest.model import Edition, Heat, Paper, Pick, Reason, Section, Subscriber

_HEAT = TypeAdapter(Heat)
_REASON = TypeAdapter(Reason)
_SECTIONS = {section.value: section for section in Section}


def payload_of(edition: Edition) -> dict[str, Any]:
    """An edition as JSON: about 0.3 KB, where its HTML would be 30."""
    return {"notes": list(edition.notes), "picks": [_remember(pick) for pick in edition.picks]}


def edition_from(
    payload: Mapping[str, Any],
    *,
    day: date,
    slot: datetime,
    subscriber: Subscriber,
    papers: Mapping[str, Paper],
) -> Edition:
    """The edition a payload stands for; a paper that has been withdrawn or erased since is left out."""
    known = [item for item in payload["picks"] if item["paper"] in papers]
    return Edition(
        day=day,
        slot=slot,
        subscriber=subscriber,
        picks=tuple(
            _recall(item, papers[item["paper"]]) for item in known if not papers[item["paper"]].withdrawn
        ),
        notes=tuple(payload["notes"]),
    )


def paper_ids(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """The papers a payload needs to become an edition again."""
    return tuple(item["paper"] for item in payload["picks"])


def _remember(pick: Pick) -> dict[str, Any]:
    return {
        "paper": pick.paper.id,
        "section": str(pick.section),
        "affinity": round(pick.affinity, 4),
        "score": round(pick.score, 4),
        "heat": _written(pick.heat),
        "reason": _written(pick.reason),
    }


def _recall(item: Mapping[str, Any], paper: Paper) -> Pick:
    return Pick(
        paper=paper,
        section=_SECTIONS[item["section"]],
        affinity=item["affinity"],
        score=item["score"],
        heat=_heat(_text(item["heat"])),
        reason=_reason(_text(item["reason"])),
    )


@lru_cache(maxsize=16_384)
def _written(value: Heat | Reason) -> str:
    """Only what differs from the default, as JSON."""
    said = ((field, getattr(value, field.name)) for field in fields(value))
    told = {field.name: _json(given) for field, given in said if given != field.default}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _text(told: str | Mapping[str, Any]) -> str:
    """The JSON it is kept as; earlier programs kept the object itself."""
    return told if isinstance(told, str) else json.dumps(told)


@lru_cache(maxsize=16_384)
def _heat(written: str) -> Heat:
    return _HEAT.validate_json(written)


@lru_cache(maxsize=16_384)
def _reason(written: str) -> Reason:
    return _REASON.validate_json(written)


def _json(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, date) else value
