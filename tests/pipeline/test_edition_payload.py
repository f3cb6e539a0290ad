"""Tests of the stored form of an edition."""

import json
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from digest.models import Edition, Heat, Paper, Pick, Reason, ReasonKind, Section, SignalKind
from digest.pipeline.edition_payload import (
    NO_PICKS,
    PayloadWriter,
    complete_payload,
    get_affinities,
    get_heat_names,
    get_paper_ids,
    read_rows,
)
from digest.ranking.selection import SECTIONS, Selections
from tests.factories import NOW, make_paper, make_subscriber


def make_edition() -> Edition:
    heat = Heat(
        value=1.5, expected=31.25, votes=12, hours=9, kind=SignalKind.UPVOTES, broke_out_on=date(2026, 11, 20)
    )
    reason = Reason(because=ReasonKind.TERMS, terms=("diffusion", "robots"), held_since=date(2026, 11, 20))
    picks = (
        Pick(
            paper=make_paper(), section=Section.TRENDING, heat=heat, affinity=0.5, score=2.25, reason=reason
        ),
        Pick(
            paper=make_paper(),
            section=Section.ALSO_NEW,
            heat=Heat(value=0, expected=0),
            reason=Reason(because=ReasonKind.NEW),
        ),
    )
    return Edition(
        day=NOW.date(), slot=NOW, subscriber=make_subscriber(), picks=picks, notes=("votes-missing",)
    )


def write(*editions: Edition) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the payloads of these editions, and their heats."""
    picks = [pick for edition in editions for pick in edition.picks]
    selections = SimpleNamespace(
        starts=np.cumsum([0, *(len(edition.picks) for edition in editions)]),
        indices=np.arange(len(picks)),
        sections=np.array([SECTIONS.index(pick.section) for pick in picks], np.intp),
        affinities=np.array([pick.affinity for pick in picks]),
        scores=np.array([pick.score for pick in picks]),
        reasons=[pick.reason for pick in picks],
        breakouts=[{}] * len(editions),
    )
    writer = PayloadWriter([pick.paper for pick in picks], [pick.heat for pick in picks])
    columns = writer.write(cast("Selections", selections))
    payloads = [complete_payload(own, edition.notes) for own, edition in zip(columns, editions, strict=True)]
    return payloads, writer.take_heats()


def round_trip(edition: Edition, papers: dict[str, Paper]) -> Edition:
    [payload], heats = write(edition)
    return read_rows(
        payload,
        day=edition.day,
        slot=edition.slot,
        subscriber=edition.subscriber,
        papers=papers,
        heats=heats,
    ).to_edition()


def test_an_edition_comes_back_from_its_payload_as_it_was() -> None:
    edition = make_edition()
    papers = {pick.paper.id: pick.paper for pick in edition.picks}
    assert round_trip(edition, papers) == edition


def test_a_paper_that_was_withdrawn_is_left_out() -> None:
    edition = make_edition()
    first, second = (pick.paper for pick in edition.picks)
    papers = {first.id: replace(first, withdrawn=True), second.id: second}
    assert [pick.paper for pick in round_trip(edition, papers).picks] == [second]


def test_a_payload_names_the_papers_and_heats_it_needs() -> None:
    edition = make_edition()
    [payload], heats = write(edition)
    assert get_paper_ids(payload) == [pick.paper.id for pick in edition.picks]
    assert set(get_heat_names(payload)) == set(heats)
    assert [*get_affinities(payload, Section.TRENDING)] == [(edition.picks[0].paper.id, 0.5)]


def test_equal_heats_of_several_editions_are_stored_once() -> None:
    edition = make_edition()
    other = replace(edition, subscriber=replace(edition.subscriber, public_id="other"))
    (first, second), heats = write(edition, other)
    assert heats == write(edition)[1]
    assert first == second
    assert len(json.dumps(first)) < 400  # bytes, for a mail of two papers


def test_an_edition_in_the_old_format_is_still_read() -> None:
    edition = make_edition()
    first, second = edition.picks
    payload = {
        "notes": ["votes-missing"],
        "picks": [
            {
                "paper": first.paper.id,
                "section": "trending",
                "affinity": 0.5,
                "score": 2.25,
                "heat": '{"value":1.5,"expected":31.25,"kind":"upvotes","votes":12,"hours":9,'
                '"broke_out_on":"2026-11-20"}',
                "reason": '{"because":"terms","terms":["diffusion","robots"],"held_since":"2026-11-20"}',
            },
            {
                "paper": second.paper.id,
                "section": "also_new",
                "affinity": 0.0,
                "score": 0.0,
                "heat": {"value": 0, "expected": 0},
                "reason": {"because": "new"},
            },
        ],
    }
    papers = {pick.paper.id: pick.paper for pick in edition.picks}
    parsed = read_rows(
        payload, day=edition.day, slot=edition.slot, subscriber=edition.subscriber, papers=papers, heats={}
    ).to_edition()
    assert parsed == edition
    assert get_paper_ids(payload) == [first.paper.id, second.paper.id]
    assert [*get_affinities(payload, Section.ALSO_NEW)] == [(second.paper.id, 0.0)]
    assert get_heat_names(payload) == []
    without_first = read_rows(
        payload,
        day=edition.day,
        slot=edition.slot,
        subscriber=edition.subscriber,
        papers={second.paper.id: replace(second.paper, withdrawn=True)},
        heats={},
    ).to_edition()
    assert without_first.picks == ()


def test_default_reasons_are_omitted_and_numbers_rounded() -> None:
    plain = make_edition().picks[1]
    heat = replace(
        plain,
        section=Section.TRENDING,
        heat=Heat(value=1.23456789, expected=31),
        reason=Reason(because=ReasonKind.TREND),
    )
    edition = replace(make_edition(), picks=(heat, plain, replace(plain, section=Section.PICKED)))
    [payload], heats = write(edition)
    assert payload["reasons"] == ["", "", '{"because":"new"}']
    assert heats[get_heat_names(payload)[0]] == '{"value":1.2346,"expected":31.0}'


def test_an_empty_payload_needs_no_papers() -> None:
    assert complete_payload(NO_PICKS, ()) == {"notes": [], **NO_PICKS}
    assert [*get_paper_ids({}), *get_heat_names({}), *get_affinities({}, Section.PICKED)] == []


def test_a_payload_with_columns_of_different_length_is_refused() -> None:
    edition = make_edition()
    papers = {pick.paper.id: pick.paper for pick in edition.picks}
    [payload], heats = write(edition)
    broken = payload | {"affinity": [0.5]}
    with pytest.raises(ValueError, match="shorter"):
        read_rows(
            broken,
            day=edition.day,
            slot=edition.slot,
            subscriber=edition.subscriber,
            papers=papers,
            heats=heats,
        ).to_edition()
    with pytest.raises(ValueError, match="shorter"):
        [*get_affinities(broken, Section.TRENDING)]
