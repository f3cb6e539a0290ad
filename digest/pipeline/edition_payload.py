"""The JSON form of a stored edition: ids, numbers and reasons, enough to render the same mail again.

A heat is the same in thousands of editions, so heats are stored apart (`collect_heats`), each under a name
derived from its content. Heats and reasons are JSON strings of their own, serialised and parsed once.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from pydantic import TypeAdapter

from digest.models import Edition, Heat, Paper, Pick, Reason, ReasonKind, Section, Subscriber
from digest.models.editions import PaperNews

Payload = Mapping[str, Any]

_HEAT = TypeAdapter(Heat)
_REASON = TypeAdapter(Reason)
_NEWS = TypeAdapter(tuple[PaperNews, ...])
_CODES = {Section.TRENDING: "t", Section.PICKED: "p", Section.ALSO_NEW: "n"}
_SECTIONS = {code: section for section, code in _CODES.items()}
_DEFAULT_REASONS = {  # of a section, stored as ""
    Section.TRENDING: Reason(because=ReasonKind.TREND),
    Section.ALSO_NEW: Reason(because=ReasonKind.NEW),
}
_NAME_BYTES = 9  # 72 bits: two of a million heats share a name with a chance of 1 in ten thousand million


def to_payload(edition: Edition) -> dict[str, Any]:
    """Return an edition as JSON without its heats: about 1 KB, where its HTML would be 30."""
    picks = edition.picks
    news = _NEWS.dump_python(edition.news, mode="json", exclude_defaults=True)
    return {
        **({"news": news} if news else {}),
        "notes": list(edition.notes),
        "papers": [pick.paper.id for pick in picks],
        "sections": "".join([_CODES[pick.section] for pick in picks]),
        "affinity": [pick.affinity for pick in picks],
        "score": [pick.score for pick in picks],
        "heat": [_serialize_heat(pick.heat)[0] for pick in picks],
        "reasons": [
            "" if pick.reason == _DEFAULT_REASONS.get(pick.section) else _serialize(pick.reason)
            for pick in picks
        ],
    }


def collect_heats(editions: Iterable[Edition]) -> dict[str, str]:
    """Return the heats of these editions as JSON, each under the name that the payloads use."""
    return dict(_serialize_heat(pick.heat) for edition in editions for pick in edition.picks)


def from_payload(  # noqa: PLR0913  a delivery's row, and what it refers to
    payload: Payload,
    *,
    day: date,
    slot: datetime,
    subscriber: Subscriber,
    papers: Mapping[str, Paper],
    heats: Mapping[str, str],
) -> Edition:
    """Return the edition of a payload, without papers that were withdrawn or erased since.

    *papers* and *heats* hold at least what `get_paper_ids` and `get_heat_names` name. Raises ValueError if
    the columns of the payload differ in length.
    """
    picks = _parse_old_picks(payload, papers) if "picks" in payload else _parse_picks(payload, papers, heats)
    return Edition(
        day=day,
        slot=slot,
        subscriber=subscriber,
        picks=tuple(picks),
        notes=tuple(payload["notes"]),
        news=_NEWS.validate_python(payload.get("news", ())),
    )


def get_paper_ids(payload: Payload) -> list[str]:
    """Return the ids of the papers that `from_payload` needs."""
    return [*(pick["paper"] for pick in payload.get("picks", ())), *payload.get("papers", ())]


def get_heat_names(payload: Payload) -> list[str]:
    """Return the names of the heats that `from_payload` needs."""
    return [*payload.get("heat", ())]


def get_affinities(payload: Payload, section: Section) -> Iterator[tuple[str, float]]:
    """Yield the paper id and the affinity of each pick of a section."""
    if "picks" in payload:
        picks = (pick for pick in payload["picks"] if pick["section"] == section)
        yield from ((pick["paper"], pick["affinity"]) for pick in picks)
    else:
        rows = zip(*(payload.get(name, ()) for name in ("papers", "sections", "affinity")), strict=True)
        yield from ((paper, affinity) for paper, code, affinity in rows if code == _CODES[section])


def _parse_picks(payload: Payload, papers: Mapping[str, Paper], heats: Mapping[str, str]) -> Iterator[Pick]:
    columns = ("papers", "sections", "affinity", "score", "heat", "reasons")
    for paper_id, code, affinity, score, heat, reason in zip(*map(payload.__getitem__, columns), strict=True):
        paper = papers.get(paper_id)
        if paper and not paper.withdrawn:
            section = _SECTIONS[code]
            yield Pick(
                paper=paper,
                section=section,
                heat=_parse_heat(heats[heat]),
                affinity=affinity,
                score=score,
                reason=_parse_reason(reason) if reason else _DEFAULT_REASONS[section],
            )


def _parse_old_picks(payload: Payload, papers: Mapping[str, Paper]) -> Iterator[Pick]:
    """Parse the format written until November 2026: one object per pick, which holds its heat."""
    for item in payload["picks"]:
        paper = papers.get(item["paper"])
        if paper and not paper.withdrawn:
            yield Pick(
                paper=paper,
                section=Section(item["section"]),
                heat=_parse_heat(_to_json(item["heat"])),
                affinity=item["affinity"],
                score=item["score"],
                reason=_parse_reason(_to_json(item["reason"])),
            )


def _to_json(value: str | Mapping[str, Any]) -> str:
    """Return the JSON of a heat or reason; the first versions stored the object itself."""
    return value if isinstance(value, str) else json.dumps(value)


@lru_cache(maxsize=16_384)
def _serialize_heat(heat: Heat) -> tuple[str, str]:
    """Return a heat's name, and the heat as JSON."""
    text = _serialize(heat)
    return urlsafe_b64encode(blake2b(text.encode(), digest_size=_NAME_BYTES).digest()).decode(), text


@lru_cache(maxsize=4096)
def _serialize(value: Heat | Reason) -> str:
    """Return the fields that differ from their default, as JSON."""
    values = ((field, getattr(value, field.name)) for field in fields(value))
    changed = {field.name: _to_jsonable(item) for field, item in values if item != field.default}
    return json.dumps(changed, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=16_384)
def _parse_heat(text: str) -> Heat:
    return _HEAT.validate_json(text)


@lru_cache(maxsize=4096)
def _parse_reason(text: str) -> Reason:
    return _REASON.validate_json(text)


def _to_jsonable(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, date) else value
