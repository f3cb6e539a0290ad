"""What does the inbox show?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.locale import LANGUAGES, get_locale
from digest.mail.subject import leads, name, preheader, subject
from digest.models import Heat, Pick, Reason, ReasonKind, Section
from tests.factories import paper
from tests.mail.examples import edition, picks

EN = get_locale("en")


def entitled(*titles: str) -> list[Pick]:
    return [
        Pick(
            paper=paper(title),
            section=Section.PICKED,
            heat=Heat(value=0, expected=0),
            reason=Reason(because=ReasonKind.NEW),
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
    for line, most in ((subject(get_locale(language), of), 60), (preheader(get_locale(language), of), 160)):
        assert 0 < len(line) <= most
        assert line.replace("\N{NO-BREAK SPACE}", " ").isprintable()


@pytest.mark.parametrize(
    "mark", ["👍🏽", "\u200d", "\ud800", "\ue000", "\U0010fffd", "\x07", "\N{LEFT-TO-RIGHT MARK}", "^"]
)
def test_signs_that_are_no_letters_stay_out_of_the_inbox(mark: str) -> None:
    assert name(EN, f"{mark} Llamas{mark}", 40) == "Llamas"


def test_only_a_short_name_stands_for_the_title() -> None:
    assert name(EN, "A: Sheep", 40) == "A: Sheep"
    assert name(EN, "AI: Sheep", 40) == "AI"
    assert name(EN, "a" * 40 + ": Sheep", 60) == "a" * 40
    assert name(EN, "a" * 41 + ": Sheep", 60) == "a" * 41 + ": Sheep"
    assert name(EN, "a" * 21 + ": Sheep", 20) == "a" * 19 + "…"
    assert name(EN, "OpenGarden:Sheep", 40) == "OpenGarden:Sheep"


def test_the_best_personal_pick_leads_then_the_hot_ones_then_the_rest() -> None:
    hot, mine, new = picks()[:3], picks()[3:9], picks()[9:]
    assert leads(edition(chosen=(*new, *mine, *hot))) == (mine[0], *hot, *mine[1:], *new)
    assert leads(edition(chosen=(*new, *hot))) == (*hot, *new)
    assert leads(edition(chosen=())) == ()


@given(st.lists(st.text("ab ", min_size=1, max_size=90), min_size=3, max_size=12))
def test_a_preheader_of_several_papers_names_two_at_least_and_is_long_enough(titles: list[str]) -> None:
    told = preheader(EN, edition(chosen=entitled(*titles)))
    assert len(told) <= 110
    assert told.startswith("Also: ")
    assert "; " in told


def test_names_of_a_preheader_are_cut_so_that_two_fill_the_line() -> None:
    long = entitled("First", "a" * 80, "b" * 80, "Last")
    assert preheader(EN, edition(chosen=long)) == f"Also: {'a' * 49}…; {'b' * 49}…."
    whole = entitled("First", "a" * 45, "b" * 45, "Last")
    assert preheader(EN, edition(chosen=whole)) == f"Also: {'a' * 45}; {'b' * 45}."


def test_a_preheader_of_short_names_takes_a_third_and_one_of_two_papers_is_continued_by_the_first() -> None:
    assert preheader(EN, edition(chosen=entitled("First", "Naps", "Dreams", "Sheep at Night Sleep"))) == (
        "Also: Naps; Dreams; Sheep at Night Sleep."
    )
    assert preheader(EN, edition(chosen=entitled("First", "Naps"))) == (
        "Also: Naps. We count sheep in sublinear time and sleep well."
    )


@pytest.mark.parametrize(("letters", "named"), [(13, 2), (12, 3)])
def test_thirty_five_letters_are_enough_for_a_preheader(letters: int, named: int) -> None:
    titles = ["a" * 13, "b" * letters, "c"]
    told = preheader(EN, edition(chosen=entitled("First", *titles)))
    assert told == f"Also: {'; '.join(titles[:named])}."
