"""How is an edition remembered? Ids, numbers and reasons: enough to render the same mail again, no HTML."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter

from digest.model import Edition, Heat, Paper, Pick, Reason, Section, Subscriber

_HEAT = TypeAdapter(Heat)
_REASON = TypeAdapter(Reason)


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
        "section": pick.section.value,
        "affinity": round(pick.affinity, 4),
        "score": round(pick.score, 4),
        "heat": _told(pick.heat),
        "reason": _told(pick.reason),
    }


def _recall(item: Mapping[str, Any], paper: Paper) -> Pick:
    return Pick(
        paper=paper,
        section=Section(item["section"]),
        affinity=item["affinity"],
        score=item["score"],
        heat=_HEAT.validate_python(item["heat"]),
        reason=_REASON.validate_python(item["reason"]),
    )


def _told(value: Heat | Reason) -> dict[str, Any]:
    """Only what differs from the default, in JSON's own types."""
    said = asdict(value)
    usual = {field.name: field.default for field in fields(value)}
    return {name: _json(said[name]) for name in said if said[name] != usual[name]}


def _json(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, date) else value
