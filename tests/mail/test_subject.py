"""Subject and preheader: the best paper first, the next ones after it, within their limits."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail import subject
from digest.mail.locale import LANGUAGES, Locale, get_locale
from digest.mail.subject import order_picks, order_sections, shorten_title
from digest.models import Edition, Heat, Pick, Reason, ReasonKind, Section
from tests.factories import make_paper
from tests.mail.examples import BULK, make_edition, make_picks

EN = get_locale("en")


def build_subject(locale: Locale, edition: Edition) -> str:
    return subject.build_subject(locale, [pick.paper for pick in order_picks(edition)])


def build_preheader(locale: Locale, edition: Edition) -> str:
    return subject.build_preheader(locale, [pick.paper for pick in order_picks(edition)])


def make_titled_picks(*titles: str) -> list[Pick]:
    return [
        Pick(
            paper=make_paper(title),
            section=Section.PICKED,
            heat=Heat(value=0, expected=0),
            reason=Reason(because=ReasonKind.NEW),
        )
        for title in titles
    ]


def test_the_subject_is_the_readers_best_paper_and_the_number_of_others() -> None:
    assert build_subject(EN, make_edition()) == "Diffusion Models That Know When to Stop + 18 more papers"
    assert build_subject(EN, make_edition(picks=make_picks()[:2])) == "Napping Transformers + 1 more paper"


def test_a_long_title_is_cut_at_a_word() -> None:
    long = "On the Remarkable Persistence of Very Long Titles in Modern Research"
    assert (
        build_subject(EN, make_edition(picks=make_titled_picks(long, "B")))
        == "On the Remarkable Persistence of Very Long… + 1 more paper"
    )


def test_the_preheader_names_the_next_papers() -> None:
    assert build_preheader(EN, make_edition()) == (
        "Also: Protein Folding with a Pocket Calculator; Grokking Happens in the Optimizer."
    )


def test_preheader_of_a_single_paper_is_its_summary() -> None:
    preheader = build_preheader(EN, make_edition(picks=make_titled_picks("Only One")))
    assert preheader == "We count sheep in sublinear time and sleep well."


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
def test_short_title_has_no_prefixes_or_emoji(title: str, short: str) -> None:
    assert shorten_title(EN, title, 40) == short


@given(st.sampled_from(LANGUAGES), st.lists(st.text(max_size=300), min_size=1, max_size=30))
def test_any_titles_fit_on_one_line(language: str, titles: list[str]) -> None:
    edition = make_edition(picks=make_titled_picks(*titles))
    for line, max_chars in (
        (build_subject(get_locale(language), edition), 60),
        (build_preheader(get_locale(language), edition), 160),
    ):
        assert 0 < len(line) <= max_chars
        assert line.replace("\N{NO-BREAK SPACE}", " ").isprintable()


@pytest.mark.parametrize(
    "mark", ["👍🏽", "\u200d", "\ud800", "\ue000", "\U0010fffd", "\x07", "\N{LEFT-TO-RIGHT MARK}", "^"]
)
def test_emoji_and_invisible_characters_are_dropped(mark: str) -> None:
    assert shorten_title(EN, f"{mark} Llamas{mark}", 40) == "Llamas"


def test_only_a_short_name_stands_for_the_title() -> None:
    assert shorten_title(EN, "A: Sheep", 40) == "A: Sheep"
    assert shorten_title(EN, "AI: Sheep", 40) == "AI"
    assert shorten_title(EN, "a" * 40 + ": Sheep", 60) == "a" * 40
    assert shorten_title(EN, "a" * 41 + ": Sheep", 60) == "a" * 41 + ": Sheep"
    assert shorten_title(EN, "a" * 21 + ": Sheep", 20) == "a" * 19 + "…"
    assert shorten_title(EN, "OpenGarden:Sheep", 40) == "OpenGarden:Sheep"


def test_personal_picks_stand_first_only_if_the_best_one_is_strong() -> None:
    trending, picked, also_new = make_picks()[:3], make_picks()[3:9], make_picks()[9:]
    strong = make_edition(picks=(*also_new, *picked, *trending))
    assert order_picks(strong) == [*picked, *trending, *also_new]
    assert build_subject(EN, strong).startswith("Diffusion Models")
    best = picked[0]
    guess = replace(best, reason=Reason(because=ReasonKind.EXPLORATION))
    for weak in (replace(best, affinity=2.9), guess):
        edition = make_edition(picks=(*trending, weak, *picked[1:], *also_new))
        assert order_picks(edition) == [*trending, weak, *picked[1:], *also_new]
        assert build_subject(EN, edition).startswith("Napping Transformers")
    assert order_picks(make_edition(picks=(*also_new, *trending))) == [*trending, *also_new]
    assert order_picks(make_edition(picks=())) == []


def test_the_mail_shows_its_sections_in_the_order_that_the_subject_follows() -> None:
    picks = make_picks()
    for best in (picks[3], replace(picks[3], affinity=0.0)):
        edition = make_edition(picks=(*picks[:3], best, *picks[4:]))
        names = {
            Section.TRENDING: "Trending today",
            Section.PICKED: "Picked for you",
            Section.ALSO_NEW: "Also new",
        }
        email = BULK.render_email(edition)
        expected = [names[section] for section in order_sections(edition)]
        assert re.findall(r'<h2 class="[^>]+>([^<]+)', email.html) == [*expected, "About this email"]
        assert re.findall("^([A-Z ]+)\n-+$", email.text, re.MULTILINE) == [name.upper() for name in expected]


@given(st.lists(st.text("ab ", min_size=1, max_size=90), min_size=3, max_size=12))
def test_a_preheader_of_several_papers_names_two_at_least_and_is_long_enough(titles: list[str]) -> None:
    preheader = build_preheader(EN, make_edition(picks=make_titled_picks(*titles)))
    assert len(preheader) <= 110
    assert preheader.startswith("Also: ")
    assert "; " in preheader


def test_names_of_a_preheader_are_cut_so_that_two_fill_the_line() -> None:
    long = make_titled_picks("First", "a" * 80, "b" * 80, "Last")
    assert build_preheader(EN, make_edition(picks=long)) == f"Also: {'a' * 49}…; {'b' * 49}…."
    whole = make_titled_picks("First", "a" * 45, "b" * 45, "Last")
    assert build_preheader(EN, make_edition(picks=whole)) == f"Also: {'a' * 45}; {'b' * 45}."


def test_a_preheader_of_short_names_takes_a_third_and_one_of_two_papers_is_continued_by_the_first() -> None:
    assert build_preheader(
        EN, make_edition(picks=make_titled_picks("First", "Naps", "Dreams", "Sheep at Night Sleep"))
    ) == ("Also: Naps; Dreams; Sheep at Night Sleep.")
    assert build_preheader(EN, make_edition(picks=make_titled_picks("First", "Naps"))) == (
        "Also: Naps. We count sheep in sublinear time and sleep well."
    )


@pytest.mark.parametrize(("letters", "count"), [(13, 2), (12, 3)])
def test_thirty_five_letters_are_enough_for_a_preheader(letters: int, count: int) -> None:
    titles = ["a" * 13, "b" * letters, "c"]
    preheader = build_preheader(EN, make_edition(picks=make_titled_picks("First", *titles)))
    assert preheader == f"Also: {'; '.join(titles[:count])}."
