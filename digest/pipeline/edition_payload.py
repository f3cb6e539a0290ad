"""The JSON form of a stored edition: ids, numbers and reasons, enough to render the same mail again.

A heat is the same in thousands of editions, so heats are stored apart (`take_heats`), each under a name
derived from its content. Heats and reasons are JSON strings of their own, serialised and parsed once.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter

from digest.db import Transaction
from digest.models import Delivery, Edition, Heat, Paper, Reason, ReasonKind, Section, Subscriber
from digest.models.editions import SECTION_CODES, EditionRows, PaperNews
from digest.ranking.selection import SECTIONS, Selections

Payload = Mapping[str, Any]
StoredRow = tuple[str, str, str, str, float, float]

_HEAT = TypeAdapter(Heat)
_REASON = TypeAdapter(Reason)
_NEWS = TypeAdapter(tuple[PaperNews, ...])
_CODES = {section: code for code, section in SECTION_CODES.items()}
_DEFAULT_REASONS = {  # of a section, stored as ""
    Section.TRENDING: Reason(because=ReasonKind.TREND),
    Section.ALSO_NEW: Reason(because=ReasonKind.NEW),
}
NO_PICKS: Mapping[str, Any] = {
    "papers": [], "sections": "", "affinity": [], "score": [], "heat": [], "reasons": []
}  # fmt: skip

_serialize_reason = _REASON.serializer.to_json  # without what TypeAdapter.dump_json adds to each call
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
MAX_KEPT_REASONS = 4096
_NAME_BYTES = 9  # 72 bits: two of a million heats share a name with a chance of 1 in ten thousand million


class PayloadWriter:
    """Writes the picks of readers as columns of their payloads.

    Args:
        papers: The candidates of the day, which the indices of selections count.
        heats: The heat of each of them.
    """

    def __init__(self, papers: Sequence[Paper], heats: Sequence[Heat]) -> None:
        self._ids, self._heats = [paper.id for paper in papers], heats
        self._names = [""] * len(papers)  # of heats, as far as they were needed
        self._new_heats: dict[str, str] = {}
        self._reasons: dict[tuple[int, int], tuple[Reason, str]] = {}  # equal ones mostly are the same object

    def write(self, selections: Selections) -> Iterator[dict[str, Any]]:
        """Yield the columns of each reader: about 1 KB as JSON, where the HTML of an edition would be 30."""
        indices, sections = selections.indices.tolist(), selections.sections.tolist()
        papers = [self._ids[index] for index in indices]
        heats = [self._names[index] or self._name_heat(index) for index in indices]
        for row, again in enumerate(selections.breakouts):
            for place in range(selections.starts[row], selections.starts[row + 1]) if again else ():
                if papers[place] in again:
                    heats[place] = self._add_heat(again[papers[place]])
        if len(self._reasons) > MAX_KEPT_REASONS:
            self._reasons.clear()
        reasons = [
            (self._reasons.get((section, id(reason))) or self._add_reason(section, reason))[1]
            for section, reason in zip(sections, selections.reasons, strict=True)
        ]
        codes = "".join([_CODES[SECTIONS[section]] for section in sections])
        affinities, scores = selections.affinities.tolist(), selections.scores.tolist()
        for start, end in pairwise(selections.starts.tolist()):
            yield {
                "papers": papers[start:end],
                "sections": codes[start:end],
                "affinity": affinities[start:end],
                "score": scores[start:end],
                "heat": heats[start:end],
                "reasons": reasons[start:end],
            }

    def take_heats(self) -> dict[str, str]:
        """Return the heats written first since the last call, each under the name that payloads use."""
        heats, self._new_heats = self._new_heats, {}
        return heats

    def _name_heat(self, index: int) -> str:
        self._names[index] = self._add_heat(self._heats[index])
        return self._names[index]

    def _add_reason(self, section: int, reason: Reason) -> tuple[Reason, str]:
        """Return a reason as it is stored, and keep it: no other object gets its id meanwhile."""
        is_default = reason == _DEFAULT_REASONS.get(SECTIONS[section])
        text = "" if is_default else _serialize_reason(reason, exclude_defaults=True).decode()
        kept = self._reasons[section, id(reason)] = reason, text
        return kept

    def _add_heat(self, heat: Heat) -> str:
        text = _serialize_heat(heat)
        name = urlsafe_b64encode(blake2b(text.encode(), digest_size=_NAME_BYTES).digest()).decode()
        self._new_heats[name] = text
        return name


def complete_payload(
    columns: Mapping[str, Any], notes: Sequence[str], news: Sequence[PaperNews] = ()
) -> dict[str, Any]:
    """Return the payload of an edition with these picks."""
    told = {"news": _NEWS.dump_python(tuple(news), mode="json", exclude_defaults=True)} if news else {}
    return {**told, "notes": [*notes], **columns}


def load_edition(tx: Transaction, delivery: Delivery, reader: Subscriber) -> Edition:
    """Return the edition of a digest as it was sent, even if its papers were revised since."""
    ids = get_paper_ids(delivery.payload)
    papers = tx.papers.get_by_ids(ids)
    if delivery.accepted_at:
        papers |= tx.paper_history.get_as_of(ids, delivery.accepted_at)
    return read_rows(
        delivery.payload,
        day=delivery.day or delivery.slot.date(),
        slot=delivery.slot,
        subscriber=reader,
        papers=papers,
        heats=tx.heats.get(get_heat_names(delivery.payload)),
    ).to_edition()


def read_rows(  # noqa: PLR0913  a delivery's row, and what it refers to
    payload: Payload,
    *,
    day: date,
    slot: datetime,
    subscriber: Subscriber,
    papers: Mapping[str, Paper],
    heats: Mapping[str, str],
) -> EditionRows:
    """Return the edition of a payload, without papers that were withdrawn or erased since.

    *papers* and *heats* hold at least what `get_paper_ids` and `get_heat_names` name. Raises ValueError if
    the columns of the payload differ in length.
    """
    rows = _list_old_rows(payload) if "picks" in payload else _list_rows(payload, heats)
    news = payload.get("news")
    return EditionRows(
        day=day,
        slot=slot,
        subscriber=subscriber,
        picks=[
            (paper, code, _parse_heat(heat), reason, affinity, score)
            for paper_id, code, heat, reason, affinity, score in rows
            if (paper := papers.get(paper_id)) and not paper.withdrawn
        ],
        parse_reason=_parse_reason,
        notes=tuple(payload["notes"]),
        news=_NEWS.validate_python(news) if news else (),
    )


def get_paper_ids(payload: Payload) -> list[str]:
    """Return the ids of the papers that `read_rows` needs."""
    return [*(pick["paper"] for pick in payload.get("picks", ())), *payload.get("papers", ())]


def get_heat_names(payload: Payload) -> list[str]:
    """Return the names of the heats that `read_rows` needs."""
    return [*payload.get("heat", ())]


def get_affinities(payload: Payload, section: Section) -> Iterator[tuple[str, float]]:
    """Yield the paper id and the affinity of each pick of a section."""
    if "picks" in payload:
        picks = (pick for pick in payload["picks"] if pick["section"] == section)
        yield from ((pick["paper"], pick["affinity"]) for pick in picks)
    else:
        rows = zip(*(payload.get(name, ()) for name in ("papers", "sections", "affinity")), strict=True)
        yield from ((paper, affinity) for paper, code, affinity in rows if code == _CODES[section])


def _list_rows(payload: Payload, heats: Mapping[str, str]) -> Iterator[StoredRow]:
    """Return the picks, heats and reasons as JSON; a reason is empty if it is the default of its section."""
    heat = map(heats.__getitem__, payload["heat"])
    columns = map(payload.__getitem__, ("reasons", "affinity", "score"))
    return zip(payload["papers"], payload["sections"], heat, *columns, strict=True)


def _list_old_rows(payload: Payload) -> Iterator[StoredRow]:
    """Yield the picks of the format written until November 2026: an object per pick, which holds its heat."""
    for item in payload["picks"]:
        heat, reason = _to_json(item["heat"]), _to_json(item["reason"])
        yield item["paper"], _CODES[item["section"]], heat, reason, item["affinity"], item["score"]


def _to_json(value: str | Mapping[str, Any]) -> str:
    """Return the JSON of a heat or reason; the first versions stored the object itself."""
    return value if isinstance(value, str) else json.dumps(value)


def _serialize_heat(heat: Heat) -> str:
    """Return the fields that differ from their default, as JSON."""
    values = _HEAT.dump_python(heat, mode="json", exclude_defaults=True)
    return _encode(
        {name: round(item, 4) if isinstance(item, float) else item for name, item in values.items()}
    )


@lru_cache(maxsize=16_384)
def _parse_heat(text: str) -> Heat:
    return _HEAT.validate_json(text)


@lru_cache(maxsize=512)  # those in many editions are kept as rendered
def _parse_reason(section: Section, text: str) -> Reason:
    return _REASON.validate_json(text) if text else _DEFAULT_REASONS[section]
