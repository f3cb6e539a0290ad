"""An edition is remembered by ids, numbers and reasons, and comes back as it was."""

from dataclasses import replace
from datetime import date

from digest.compose.edition import edition_from, payload_of
from digest.model import Because, Edition, Heat, Pick, Reason, Section, SignalKind
from tests.house import NOW, paper, subscriber


def _edition() -> Edition:
    hot = Heat(
        value=1.5, expected=31.25, votes=12, hours=9, kind=SignalKind.UPVOTES, broke_out_on=date(2026, 11, 20)
    )
    why = Reason(because=Because.TERMS, terms=("diffusion", "robots"), held_since=date(2026, 11, 20))
    picks = (
        Pick(paper=paper(), section=Section.TRENDING, heat=hot, affinity=0.5, score=2.25, reason=why),
        Pick(
            paper=paper(),
            section=Section.ALSO_NEW,
            heat=Heat(value=0, expected=0),
            reason=Reason(because=Because.NEW),
        ),
    )
    return Edition(day=NOW.date(), slot=NOW, subscriber=subscriber(), picks=picks, notes=("votes-missing",))


def test_an_edition_comes_back_from_its_payload_as_it_was() -> None:
    edition = _edition()
    papers = {pick.paper.id: pick.paper for pick in edition.picks}
    again = edition_from(
        payload_of(edition), day=edition.day, slot=edition.slot, subscriber=edition.subscriber, papers=papers
    )
    assert again == edition


def test_a_paper_withdrawn_since_is_left_out() -> None:
    edition = _edition()
    first, second = (pick.paper for pick in edition.picks)
    papers = {first.id: replace(first, withdrawn=True), second.id: second}
    again = edition_from(
        payload_of(edition), day=edition.day, slot=edition.slot, subscriber=edition.subscriber, papers=papers
    )
    assert [pick.paper for pick in again.picks] == [second]
