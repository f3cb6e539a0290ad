"""An edition is remembered by ids, numbers and reasons, and comes back as it was."""

import json
from dataclasses import replace
from datetime import date

import pytest

from digest.models import Edition, Heat, Paper, Pick, Reason, ReasonKind, Section, SignalKind
from digest.pipeline.edition_payload import (
    affinities,
    edition_from,
    heat_names,
    heats_of,
    paper_ids,
    payload_of,
)
from tests.factories import NOW, paper, subscriber


def _edition() -> Edition:
    hot = Heat(
        value=1.5, expected=31.25, votes=12, hours=9, kind=SignalKind.UPVOTES, broke_out_on=date(2026, 11, 20)
    )
    why = Reason(because=ReasonKind.TERMS, terms=("diffusion", "robots"), held_since=date(2026, 11, 20))
    picks = (
        Pick(paper=paper(), section=Section.TRENDING, heat=hot, affinity=0.5, score=2.25, reason=why),
        Pick(
            paper=paper(),
            section=Section.ALSO_NEW,
            heat=Heat(value=0, expected=0),
            reason=Reason(because=ReasonKind.NEW),
        ),
    )
    return Edition(day=NOW.date(), slot=NOW, subscriber=subscriber(), picks=picks, notes=("votes-missing",))


def _again(edition: Edition, papers: dict[str, Paper]) -> Edition:
    return edition_from(
        payload_of(edition),
        day=edition.day,
        slot=edition.slot,
        subscriber=edition.subscriber,
        papers=papers,
        heats=heats_of([edition]),
    )


def test_an_edition_comes_back_from_its_payload_as_it_was() -> None:
    edition = _edition()
    papers = {pick.paper.id: pick.paper for pick in edition.picks}
    assert _again(edition, papers) == edition


def test_a_paper_withdrawn_since_is_left_out() -> None:
    edition = _edition()
    first, second = (pick.paper for pick in edition.picks)
    papers = {first.id: replace(first, withdrawn=True), second.id: second}
    assert [pick.paper for pick in _again(edition, papers).picks] == [second]


def test_a_payload_says_which_papers_and_heats_it_needs() -> None:
    edition = _edition()
    payload = payload_of(edition)
    assert paper_ids(payload) == [pick.paper.id for pick in edition.picks]
    assert set(heat_names(payload)) == set(heats_of([edition]))
    assert [*affinities(payload, Section.TRENDING)] == [(edition.picks[0].paper.id, 0.5)]


def test_what_many_editions_say_of_heat_is_told_once() -> None:
    edition = _edition()
    other = replace(edition, subscriber=replace(edition.subscriber, pid="other"))
    assert heats_of([edition, other]) == heats_of([edition])
    assert len(json.dumps(payload_of(edition))) < 400  # bytes, for a mail of two papers


def test_an_edition_that_was_queued_by_an_earlier_program_is_still_sent() -> None:
    edition = _edition()
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
    again = edition_from(
        payload, day=edition.day, slot=edition.slot, subscriber=edition.subscriber, papers=papers, heats={}
    )
    assert again == edition
    assert paper_ids(payload) == [first.paper.id, second.paper.id]
    assert [*affinities(payload, Section.ALSO_NEW)] == [(second.paper.id, 0.0)]
    assert heat_names(payload) == []
    gone = edition_from(
        payload,
        day=edition.day,
        slot=edition.slot,
        subscriber=edition.subscriber,
        papers={second.paper.id: replace(second.paper, withdrawn=True)},
        heats={},
    )
    assert gone.picks == ()


def test_what_goes_without_saying_is_not_written_and_numbers_are_short() -> None:
    plain = _edition().picks[1]
    hot = replace(
        plain,
        section=Section.TRENDING,
        heat=Heat(value=1.23456789, expected=31),
        reason=Reason(because=ReasonKind.TREND),
    )
    told = replace(_edition(), picks=(hot, plain, replace(plain, section=Section.PICKED)))
    assert payload_of(told)["reasons"] == ["", "", '{"because":"new"}']
    assert heats_of([told])[heat_names(payload_of(told))[0]] == '{"value":1.2346,"expected":31}'


def test_a_payload_that_tells_of_no_papers_needs_none() -> None:
    assert [*paper_ids({}), *heat_names({}), *affinities({}, Section.PICKED)] == []


def test_a_payload_that_lost_a_value_is_refused_not_guessed_at() -> None:
    edition = _edition()
    papers = {pick.paper.id: pick.paper for pick in edition.picks}
    torn = payload_of(edition) | {"affinity": [0.5]}
    with pytest.raises(ValueError, match="shorter"):
        edition_from(
            torn,
            day=edition.day,
            slot=edition.slot,
            subscriber=edition.subscriber,
            papers=papers,
            heats=heats_of([edition]),
        )
    with pytest.raises(ValueError, match="shorter"):
        [*affinities(torn, Section.TRENDING)]
