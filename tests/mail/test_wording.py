"""Wording: authors, reasons, trends and votes of a paper in words."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.locale import LANGUAGES, get_locale
from digest.mail.wording import (
    MAX_REASON_CHARS,
    describe_reason,
    describe_trend,
    format_byline,
    format_meta,
    format_votes,
)
from digest.models import Heat, Pick, Reason, ReasonKind, Section, SignalKind
from digest.models.arxiv_categories import CATEGORY_NAMES
from tests.factories import make_paper
from tests.mail.examples import DAY

EN = get_locale("en")
HEAT = Heat(value=1, expected=61, low=41, high=91, kind=SignalKind.UPVOTES, votes=31, hours=9, usual=5)


def test_a_young_papers_votes_are_set_against_the_usual_and_projected() -> None:
    assert describe_trend(EN, HEAT, DAY) == (
        "31 upvotes in its first 9 hours, 6× the usual 5; on course for about 61 (41–91)"
    )


@pytest.mark.parametrize(("few", "usual"), [(9, 3), (31, 2.9), (31, None), (12, 9)])
def test_small_numbers_give_no_ratio(few: float, usual: float | None) -> None:
    assert "×" not in describe_trend(EN, replace(HEAT, votes=few, usual=usual), DAY)


def test_older_paper_names_its_gain() -> None:
    older = replace(HEAT, hours=50, gained=48, usual_gain=16)
    assert describe_trend(EN, older, DAY) == "31 upvotes; +48 since yesterday, 3× the usual"
    assert (
        describe_trend(EN, replace(older, usual_gain=2), DAY)
        == "31 upvotes, 6× the usual 5 at this age; +48 since yesterday"
    )
    assert describe_trend(EN, replace(older, gained=0), DAY) == "31 upvotes, 6× the usual 5 at this age"


def test_breakout_names_the_day_it_was_sent() -> None:
    breakout = replace(HEAT, votes=140, broke_out_from=12, broke_out_on=date(2026, 11, 17))
    assert (
        describe_trend(EN, breakout, DAY) == "broke out since we sent it: was 12 on Tuesday, now 140 upvotes"
    )
    long_ago = replace(breakout, broke_out_on=date(2026, 11, 3))
    assert (
        describe_trend(EN, long_ago, DAY)
        == "broke out since we sent it: was 12 on 3\N{NO-BREAK SPACE}Nov, now 140 upvotes"
    )
    points = replace(breakout, kind=SignalKind.POINTS)
    assert (
        describe_trend(EN, points, DAY)
        == "broke out since we sent it: was 12 on Tuesday, now 140 points on Hacker News"
    )
    assert describe_trend(EN, replace(breakout, broke_out_on=None), DAY) == (
        "broke out since we sent it: was 12, now 140 upvotes"
    )
    from_nothing = replace(breakout, broke_out_from=0)
    assert (
        describe_trend(EN, from_nothing, DAY)
        == "broke out since we sent it: was 0 on Tuesday, now 140 upvotes"
    )


def test_day_without_a_notable_gain_gives_the_total() -> None:
    monday = Heat(value=3, expected=110, votes=99, hours=96, usual=8, usual_gain=0.4)
    assert describe_trend(EN, monday, DAY) == "99 upvotes, 12× the usual 8 at this age"
    assert (
        describe_trend(EN, replace(monday, gained=2), DAY)
        == "99 upvotes, 12× the usual 8 at this age; +2 since yesterday"
    )
    assert describe_trend(EN, replace(monday, votes=9, gained=2), DAY) == "9 upvotes; +2 since yesterday"
    assert describe_trend(EN, replace(monday, votes=9), DAY) == "9 upvotes"


def test_without_votes_earlier_papers_of_the_authors_are_named() -> None:
    new = Heat(value=0, expected=20, content_prior=True, author_votes=43)
    assert describe_trend(EN, new, DAY) == "new: its authors’ earlier papers drew 40+ upvotes"
    assert describe_trend(EN, new, DAY, has_code=True).endswith("; code linked")
    assert describe_trend(EN, replace(new, author_votes=None), DAY) == "new: too recent for votes"


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason(because=ReasonKind.TERMS, terms=("diffusion models",)), "matches “diffusion models”"),
        (Reason(because=ReasonKind.TERMS, terms=("a", "b", "c", "d")), "matches “a”, “b” and “c”"),
        (Reason(because=ReasonKind.LIKED, liked_title="X"), "similar to “X”, which you liked"),
        (Reason(because=ReasonKind.AUTHOR, author="Ada"), "by Ada, whom you follow"),
        (
            Reason(because=ReasonKind.CATEGORY, category="cs.CL"),
            "new in Computation and Language, which you follow",
        ),
        (Reason(because=ReasonKind.FACET, facet="bees"), "for your interest “bees”"),
        (Reason(because=ReasonKind.NEW, category="cs.CL"), "new in Computation and Language"),
        (Reason(because=ReasonKind.TERMS), ""),
        (Reason(because=ReasonKind.AUTHOR), ""),
        (
            Reason(because=ReasonKind.TERMS, terms=("a",), held_since=date(2026, 11, 21)),
            "matches “a”; kept for you since Saturday",
        ),
    ],
)
def test_reason_states_the_evidence_of_the_ranking(reason: Reason, text: str) -> None:
    assert describe_reason(EN, make_pick(reason), DAY) == text


def make_pick(reason: Reason, heat: Heat = HEAT) -> Pick:
    return Pick(paper=make_paper(), section=Section.PICKED, heat=heat, reason=reason)


@given(
    st.sampled_from(LANGUAGES),
    st.sampled_from(ReasonKind),
    st.text(max_size=200),
    st.floats(0, 1e7),
    st.floats(0, 400),
)
def test_no_reason_is_longer_than_a_line_or_two(
    language: str, because: ReasonKind, words: str, count: float, hours: float
) -> None:
    reason = Reason(
        because=because, terms=(words,) * 3, liked_title=words, author=words, category=words, facet=words
    )
    heat = replace(HEAT, votes=count, hours=hours, usual=count / 7, gained=count, expected=count)
    breakout = replace(
        heat, broke_out_from=count / 9, broke_out_on=date(2026, 11, 18), kind=SignalKind.COMMENTS
    )
    for variant in (heat, breakout):
        assert len(describe_reason(get_locale(language), make_pick(reason, variant), DAY)) <= MAX_REASON_CHARS


def test_two_authors_are_named_and_the_others_counted() -> None:
    assert format_byline(EN, ()) == ""
    assert format_byline(EN, ("A",)) == "A"
    assert format_byline(EN, ("A", "B")) == "A and B"
    assert format_byline(EN, ("A", "B", "C")) == "A, B and 1\N{NO-BREAK SPACE}other"
    assert format_byline(EN, ("A", "B", "C", "D")) == "A, B and 2\N{NO-BREAK SPACE}others"


def test_the_meta_line_names_authors_category_and_day() -> None:
    paper = make_paper(authors=("A", "B"))
    dot = "\N{NO-BREAK SPACE}· "
    assert format_meta(EN, paper) == f"A and B{dot}Machine Learning{dot}22\N{NO-BREAK SPACE}Nov"
    assert format_meta(EN, paper, with_date=False) == f"A and B{dot}Machine Learning"
    preprint = replace(paper, categories=("bioRxiv Neuroscience",))
    assert format_meta(EN, preprint, with_date=False) == f"A and B{dot}bioRxiv Neuroscience"


def test_every_category_of_arxiv_fits_into_a_line() -> None:
    names = set(CATEGORY_NAMES.values())
    papers = [replace(make_paper(authors=()), categories=(code,), published=None) for code in CATEGORY_NAMES]
    assert {format_meta(EN, paper) for paper in papers} == names


def test_what_is_not_known_of_a_paper_leaves_no_gap_in_its_meta_line() -> None:
    unknown = replace(make_paper(authors=("A",)), categories=(), published=None)
    assert format_meta(EN, unknown) == "A"
    assert format_meta(EN, replace(unknown, authors=())) == ""


def test_endless_names_are_cut() -> None:
    endless = "a" * 99
    assert format_byline(EN, (endless, endless)) == f"{'a' * 59}… and {'a' * 59}…"
    filed = replace(make_paper(authors=()), categories=(endless,), published=None)
    assert format_meta(EN, filed) == f"{'a' * 49}…"


def test_every_kind_of_signal_has_its_noun() -> None:
    text = {format_votes(EN, replace(HEAT, kind=kind, votes=1)) for kind in SignalKind}
    votes = {"1 upvote", "1 comment", "1 star", "1 point on Hacker News", "1 citation"}
    assert text == votes | {"1 model", "1 dataset", "1 Space"}
    assert format_votes(EN, replace(HEAT, votes=1234)) == "1,234 upvotes"
    assert format_votes(EN, replace(HEAT, votes=0)) == ""


@pytest.mark.parametrize("few", [None, 0, 0.9])
def test_less_than_one_vote_is_none(few: float | None) -> None:
    assert format_votes(EN, replace(HEAT, votes=few)) == ""
    assert describe_trend(EN, replace(HEAT, votes=few), DAY) == "new: too recent for votes"


def test_the_first_hour_is_one_hour_in_every_language() -> None:
    just_now = replace(HEAT, hours=0.2, low=0, usual=None)
    assert describe_trend(get_locale("zh"), just_now, DAY) == "前 1 小时 31 个赞"


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"hours": 1, "usual": None, "low": 0}, "31 upvotes in its first hour"),
        ({"hours": 0.2, "usual": None, "low": 0}, "31 upvotes in its first hour"),
        ({"votes": 1, "usual": None, "expected": 9}, "1 upvote in its first 9 hours"),
        ({"hours": 23.4, "usual": None, "low": 0}, "31 upvotes in its first 23 hours"),
        ({"hours": 24}, "31 upvotes, 6× the usual 5 at this age"),
        ({"hours": 24, "usual": None}, "31 upvotes"),
        ({"hours": 24, "gained": 1}, "31 upvotes, 6× the usual 5 at this age; +1 since yesterday"),
        ({"hours": 24, "gained": 24, "usual_gain": 8}, "31 upvotes; +24 since yesterday, 3× the usual"),
        ({"low": 91}, "31 upvotes in its first 9 hours, 6× the usual 5"),
        ({"expected": 9.9}, "31 upvotes in its first 9 hours, 6× the usual 5"),
        ({"usual": 9, "expected": 10, "low": 0.6, "high": 12},
         "31 upvotes in its first 9 hours, 3× the usual 9; on course for about 10 (1–12)"),
        ({"votes": 10, "usual": 3, "low": 0}, "10 upvotes in its first 9 hours, 3× the usual 3"),
        ({"votes": 10, "usual": 5, "low": 0}, "10 upvotes in its first 9 hours, 2× the usual 5"),
        ({"content_prior": True, "author_votes": 10}, "new: its authors’ earlier papers drew 10+ upvotes"),
        ({"content_prior": True, "author_votes": 9.9}, "new: too recent for votes"),
    ],
)  # fmt: skip
def test_trend_at_the_limits(changed: dict[str, Any], text: str) -> None:
    assert describe_trend(EN, replace(HEAT, **changed), DAY) == text


@pytest.mark.parametrize(("days", "when"), [(6, "Tuesday"), (7, "16 Nov")])
def test_a_day_is_named_for_a_week_and_dated_from_then_on(days: int, when: str) -> None:
    then = DAY - timedelta(days=days)
    breakout = replace(HEAT, votes=140, broke_out_from=12, broke_out_on=then)
    text = describe_trend(EN, breakout, DAY).replace("\N{NO-BREAK SPACE}", " ")
    assert text == f"broke out since we sent it: was 12 on {when}, now 140 upvotes"
    kept = Reason(because=ReasonKind.TERMS, terms=("a",), held_since=then)
    assert describe_reason(EN, make_pick(kept), DAY).replace("\N{NO-BREAK SPACE}", " ") == (
        f"matches “a”; kept for you since {when}"
    )


def test_pick_of_today_is_not_called_kept() -> None:
    assert (
        describe_reason(EN, make_pick(Reason(because=ReasonKind.TERMS, terms=("a",), held_since=DAY)), DAY)
        == "matches “a”"
    )


def test_breakout_comes_before_the_reason_of_a_pick() -> None:
    breakout = replace(HEAT, votes=140, broke_out_from=12, broke_out_on=date(2026, 11, 17))
    pick = make_pick(Reason(because=ReasonKind.TERMS, terms=("a",)), breakout)
    assert describe_reason(EN, pick, DAY) == describe_trend(EN, breakout, DAY)


def test_trending_pick_without_votes_names_linked_code() -> None:
    new = Heat(value=0, expected=20, content_prior=True)
    trending = make_pick(Reason(because=ReasonKind.TREND), new)
    coded = replace(trending, paper=replace(trending.paper, code_url="https://e.org/code"))
    assert describe_reason(EN, trending, DAY) == "new: too recent for votes"
    assert describe_reason(EN, coded, DAY) == "new: too recent for votes; code linked"


def test_as_many_terms_are_named_as_fit_on_the_line() -> None:
    long, longer = "a" * 30, "b" * 43
    three = Reason(because=ReasonKind.TERMS, terms=(long, longer, "c" * 30))
    text = describe_reason(EN, make_pick(three), DAY)
    assert text == f"matches “{long}” and “{longer}”"
    assert len(text) == MAX_REASON_CHARS
    assert (
        describe_reason(EN, make_pick(replace(three, terms=(long, longer + "b"))), DAY) == f"matches “{long}”"
    )


def test_exploration_says_that_it_is_one() -> None:
    assert describe_reason(EN, make_pick(Reason(because=ReasonKind.EXPLORATION)), DAY) == (
        "outside your usual topics; you might like it"
    )


def test_long_liked_title_is_cut_to_sixty_characters() -> None:
    assert describe_reason(EN, make_pick(Reason(because=ReasonKind.LIKED, liked_title="a" * 61)), DAY) == (
        f"similar to “{'a' * 59}…”, which you liked"
    )


def test_long_liked_title_is_cut_to_fifty_characters_in_a_longer_sentence() -> None:
    liked = make_pick(Reason(because=ReasonKind.LIKED, liked_title="a" * 61))
    text = describe_reason(get_locale("fr"), liked, DAY).replace("\N{NO-BREAK SPACE}", " ")
    assert text == f"proche de « {'a' * 49}… », que vous avez aimé"


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason(because=ReasonKind.TERMS, terms=("a" * 99,)), f"matches “{'a' * 59}…”"),
        (Reason(because=ReasonKind.AUTHOR, author="a" * 99), f"by {'a' * 49}…, whom you follow"),
        (Reason(because=ReasonKind.FACET, facet="a" * 99), f"for your interest “{'a' * 49}…”"),
        (Reason(because=ReasonKind.CATEGORY, category="a" * 99), f"new in {'a' * 49}…, which you follow"),
        (Reason(because=ReasonKind.NEW, category="a" * 99), f"new in {'a' * 49}…"),
    ],
)
def test_endless_words_leave_room_for_the_sentence_around_them(reason: Reason, text: str) -> None:
    assert describe_reason(EN, make_pick(reason), DAY) == text


def test_trend_with_long_numbers_leaves_the_gain_out() -> None:
    older = replace(HEAT, hours=50, votes=1_000_000, usual=142_857, gained=1_000_000)
    text = describe_trend(get_locale("de"), older, DAY)
    assert len(text) <= MAX_REASON_CHARS
    assert text.endswith("142.857")
