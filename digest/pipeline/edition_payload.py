"""How is an edition remembered? Ids, numbers and reasons: enough to render the same mail again, no HTML.

What it says of heat is the same in thousands of editions, so it is kept apart (`heats_of`) and named by its
content. Heat and reason are JSON of their own, written and read once.
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

_HEAT = TypeAdapter(Heat)
_REASON = TypeAdapter(Reason)
_LETTERS = {Section.TRENDING: "t", Section.PICKED: "p", Section.ALSO_NEW: "n"}
_SECTIONS = {letter: section for section, letter in _LETTERS.items()}
_PLAIN = {
    Section.TRENDING: Reason(because=ReasonKind.TREND),
    Section.ALSO_NEW: Reason(because=ReasonKind.NEW),
}  # what goes without saying there
_NAME_BYTES = 9  # 72 bits: two of a million heats share a name with a chance of 1 in ten thousand million

Payload = Mapping[str, Any]


def payload_of(edition: Edition) -> dict[str, Any]:
    """An edition as JSON: about 1 KB, where its HTML would be 30. What it says of heat is in `heats_of`."""
    picks = edition.picks
    return {
        "notes": list(edition.notes),
        "papers": [pick.paper.id for pick in picks],
        "sections": "".join([_LETTERS[pick.section] for pick in picks]),
        "affinity": [pick.affinity for pick in picks],
        "score": [pick.score for pick in picks],
        "heat": [_named(pick.heat)[0] for pick in picks],
        "reasons": [
            "" if pick.reason == _PLAIN.get(pick.section) else _written(pick.reason) for pick in picks
        ],
    }


def heats_of(editions: Iterable[Edition]) -> dict[str, str]:
    """What these editions say of heat, each under the name their payloads call it by."""
    return dict(_named(pick.heat) for edition in editions for pick in edition.picks)


def edition_from(  # noqa: PLR0913  a mail's row, and the books it refers to
    payload: Payload,
    *,
    day: date,
    slot: datetime,
    subscriber: Subscriber,
    papers: Mapping[str, Paper],
    heats: Mapping[str, str],
) -> Edition:
    """The edition a payload stands for; a paper that has been withdrawn or erased since is left out."""
    told = _earlier(payload, papers) if "picks" in payload else _told(payload, papers, heats)
    return Edition(
        day=day, slot=slot, subscriber=subscriber, picks=tuple(told), notes=tuple(payload["notes"])
    )


def paper_ids(payload: Payload) -> list[str]:
    """The papers a payload needs to become an edition again."""
    return [*(each["paper"] for each in payload.get("picks", ())), *payload.get("papers", ())]


def heat_names(payload: Payload) -> list[str]:
    """The heats a payload needs to become an edition again."""
    return [*payload.get("heat", ())]


def affinities(payload: Payload, section: Section) -> Iterator[tuple[str, float]]:
    """How far each paper of a section stood out for its reader."""
    if "picks" in payload:
        earlier = (each for each in payload["picks"] if each["section"] == section)
        yield from ((each["paper"], each["affinity"]) for each in earlier)
    else:
        told = zip(*(payload.get(name, ()) for name in ("papers", "sections", "affinity")), strict=True)
        yield from ((paper, affinity) for paper, letter, affinity in told if letter == _LETTERS[section])


def _told(payload: Payload, papers: Mapping[str, Paper], heats: Mapping[str, str]) -> Iterator[Pick]:
    columns = ("papers", "sections", "affinity", "score", "heat", "reasons")
    for name, letter, affinity, score, heat, reason in zip(*map(payload.__getitem__, columns), strict=True):
        paper = papers.get(name)
        if paper and not paper.withdrawn:
            section = _SECTIONS[letter]
            yield Pick(
                paper=paper,
                section=section,
                heat=_heat(heats[heat]),
                affinity=affinity,
                score=score,
                reason=_reason(reason) if reason else _PLAIN[section],
            )


def _earlier(payload: Payload, papers: Mapping[str, Paper]) -> Iterator[Pick]:
    """The picks as they were written until November 2026: one after the other, each with its heat."""
    for item in payload["picks"]:
        paper = papers.get(item["paper"])
        if paper and not paper.withdrawn:
            yield Pick(
                paper=paper,
                section=Section(item["section"]),
                heat=_heat(_text(item["heat"])),
                affinity=item["affinity"],
                score=item["score"],
                reason=_reason(_text(item["reason"])),
            )


@lru_cache(maxsize=16_384)
def _named(heat: Heat) -> tuple[str, str]:
    """A heat's name and what is told of it."""
    told = _written(heat)
    return urlsafe_b64encode(blake2b(told.encode(), digest_size=_NAME_BYTES).digest()).decode(), told


@lru_cache(maxsize=4096)
def _written(value: Heat | Reason) -> str:
    """Only what differs from the default, as JSON."""
    said = ((field, getattr(value, field.name)) for field in fields(value))
    told = {field.name: _json(given) for field, given in said if given != field.default}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _text(told: str | Mapping[str, Any]) -> str:
    """The JSON it is kept as; the first programs kept the object itself."""
    return told if isinstance(told, str) else json.dumps(told)


@lru_cache(maxsize=16_384)
def _heat(written: str) -> Heat:
    return _HEAT.validate_json(written)


@lru_cache(maxsize=4096)
def _reason(written: str) -> Reason:
    return _REASON.validate_json(written)


def _json(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, date) else value
