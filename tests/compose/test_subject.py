"""What does the inbox show?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.compose.subject import name, preheader, subject
from digest.compose.tongue import LANGUAGES, tongue
from digest.model import Because, Heat, Pick, Reason, Section
from tests.compose.examples import edition, picks
from tests.house import paper

EN = tongue("en")


def entitled(*titles: str) -> list[Pick]:
    return [
        Pick(
            paper=paper(title),
            section=Section.PICKED,
            heat=Heat(value=0, expected=0),
            reason=Reason(because=Because.NEW),
        )
        for title in titles
    ]


def test_the_subject_is_the_readers_best_paper_and_the_number_of_others() -> None:
    assert subject(EN, edition()) == "Diffusion Models That Know When to Stop + 18 more papers"
    assert subject(EN, edition(chosen=picks()[:2])) == "Napping Transformers + 1 more paper"


def test_a_long_title_is_cut_at_a_word() -> None:
    long = "On the Remarkable Persistence of Very Long Titles in Modern Research"
    assert (
        subject(EN, edition(chosen=entitled(long, "B")))
        == "On the Remarkable Persistence of Very Long… + 1 more paper"
    )


def test_the_preheader_names_the_next_papers() -> None:
    assert preheader(EN, edition()) == "Also: Napping Transformers; OpenGarden."


def test_a_single_paper_is_continued_by_its_gist() -> None:
    told = preheader(EN, edition(chosen=entitled("Only One")))
    assert told == "We count sheep in sublinear time and sleep well."


@pytest.mark.parametrize(
    ("title", "short"),
    [
        ("OpenGarden: A Million Hours", "OpenGarden"),
        ("Re: Fwd: Replies", "Replies"),
        ("🦙 Llamas at Large", "Llamas at Large"),
        ("", "(untitled)"),
        ("\u200b", "(untitled)"),
    ],
)
def test_a_short_name_has_no_decoration(title: str, short: str) -> None:
    assert name(EN, title, 40) == short


@given(st.sampled_from(LANGUAGES), st.lists(st.text(max_size=300), min_size=1, max_size=30))
def test_any_titles_fit_on_one_line(language: str, titles: list[str]) -> None:
    of = edition(chosen=entitled(*titles))
    for line, most in ((subject(tongue(language), of), 60), (preheader(tongue(language), of), 160)):
        assert 0 < len(line) <= most
        assert line.replace("\N{NO-BREAK SPACE}", " ").isprintable()
