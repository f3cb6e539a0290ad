"""What is promised of every edition, whoever reads and whatever the day brings."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Candidates, Facet, Heat, LikedPaper, Mix, Paper, Preferences, Profile
from digest.ranking.feedback import Feedback, learn
from digest.ranking.ranker import Ranker
from digest.ranking.selection import Selection, Stopped, select
from tests.factories import NOW, paper, subscriber

WORDS = ("graph", "robot", "protein", "speech", "ocean", "privacy", "quantum", "image", "market", "kernel")
words = st.sampled_from(WORDS)
TEXTS = tuple(" ".join(WORDS[n : n + 3]) for n in range(8))  # few, so that papers are told twice
texts = st.sampled_from(TEXTS) | st.lists(words, min_size=1, max_size=6).map(" ".join)
likings = st.lists(texts.map(LikedPaper), max_size=4).map(tuple)
profiles = st.builds(
    Profile,
    keywords=st.lists(words, max_size=2).map(tuple),
    muted=st.lists(words | st.just("ocean heat"), max_size=2).map(tuple),
    authors=st.sampled_from(((), ("Ada Loveless",), ("Eve Fictive",))),
    liked=likings,
    disliked=likings,
    learnt=st.lists(st.tuples(words, st.sampled_from((-0.6, 0.2, 1.0))), max_size=2).map(tuple),
    facets=st.lists(st.builds(Facet, words, keywords=st.tuples(words), liked=likings), max_size=2).map(tuple),
)
# Several papers of a day may say the very same, and be as hot.
days = st.lists(st.tuples(texts, st.integers(0, 3)), min_size=1, max_size=14)
wants = st.builds(
    Preferences,
    mix=st.sampled_from(Mix),
    trending=st.integers(0, 3),
    picked=st.integers(0, 8),
    also_new=st.integers(0, 6),
)


def papers_of(day: Sequence[tuple[str, int]]) -> list[Paper]:
    return [paper(title, id=f"arxiv:2611.{n:05d}", abstract="") for n, (title, _) in enumerate(day)]


def heat_of(day: Sequence[tuple[str, int]]) -> dict[str, Heat]:
    votes = [votes for _, votes in day]
    return {
        each.id: Heat(value=n / 2, expected=n, votes=n) for each, n in zip(papers_of(day), votes, strict=True)
    }


def edition(
    papers: Sequence[Paper], heat: dict[str, Heat], profile: Profile, preferences: Preferences
) -> Selection:
    [ranking] = Ranker(papers).rank([profile])
    reader = subscriber(profile=profile, preferences=preferences)
    return select(Candidates(tuple(papers), heat), ranking, reader, sent={}, cursor=None, day=NOW.date())


def told(chosen: Selection) -> list[tuple[str, str]]:
    return [(str(pick.section), pick.paper.id) for pick in chosen.picks]


@given(days, profiles, wants, st.data())
def test_the_order_in_which_papers_come_changes_nothing(
    day: list[tuple[str, int]], profile: Profile, preferences: Preferences, data: st.DataObject
) -> None:
    papers, heat = papers_of(day), heat_of(day)
    first = edition(papers, heat, profile, preferences)
    again = edition(data.draw(st.permutations(papers)), heat, profile, preferences)
    assert told(first) == told(again)
    assert first.stopped == again.stopped


@given(days, profiles, wants)
def test_the_same_day_and_reader_give_the_same_edition(
    day: list[tuple[str, int]], profile: Profile, preferences: Preferences
) -> None:
    first, again = (edition(papers_of(day), heat_of(day), profile, preferences) for _ in range(2))
    assert [replace(pick, paper=pick.paper) for pick in first.picks] == list(again.picks)
    assert first.stopped == again.stopped


def test_another_process_comes_to_the_same_order(tmp_path: Path) -> None:
    """Sets and dictionaries of texts lie differently in each process: nothing may hang on it."""
    chosen = [" ".join((one, other, *WORDS[: n % 5])) for n, one in enumerate(WORDS) for other in WORDS]
    lines = [json.dumps({"id": f"p{n}", "title": title}) for n, title in enumerate(chosen)]
    (tmp_path / "papers").write_text("\n".join(lines))
    reader = {"id": "ada", "keywords": ["ocean", "graph"], "liked": [{"title": t} for t in chosen[:40:3]]}
    (tmp_path / "readers").write_text(json.dumps(reader))
    command = [sys.executable, "-m", "digest", "rank", "--papers", "papers", "--profiles", "readers"]
    answers = {
        subprocess.run(
            [*command, "--vectors", "none", "--top", "0", "--now", NOW.isoformat()],
            cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(answers) == 1
    assert answers != {b""}


@given(days, profiles, wants)
def test_what_is_muted_appears_nowhere_and_is_said_to_be_muted(
    day: list[tuple[str, int]], profile: Profile, preferences: Preferences
) -> None:
    papers = papers_of(day)
    chosen = edition(papers, heat_of(day), profile, preferences)
    muted = {each.id for each in papers if any(f" {m} " in f" {each.title} " for m in profile.muted)}
    assert not muted & {pick.paper.id for pick in chosen.picks}
    assert {name for name, rule in chosen.stopped.items() if rule is Stopped.MUTED} == muted


@given(days, profiles, st.sampled_from((Feedback.MORE, Feedback.SAVE)), st.data())
def test_liking_a_paper_never_lowers_it_nor_one_that_says_the_same(
    day: list[tuple[str, int]], profile: Profile, verdict: Feedback, data: st.DataObject
) -> None:
    papers = papers_of(day)
    place = data.draw(st.sampled_from(range(len(papers))))
    twin = next(n for n, each in enumerate(papers) if each.title == papers[place].title)
    unheard = replace(papers[place], id="arxiv:2611.99999")  # given by its words alone, as from a library
    before, after, given_by_words = Ranker(papers).rank(
        [profile, learn(profile, papers[place], verdict), learn(profile, unheard, verdict)]
    )
    for likes in (after, given_by_words):
        assert likes.affinity[place] >= before.affinity[place] - 1e-5
        assert likes.relevance[place] >= before.relevance[place] - 1e-6
        assert likes.affinity[twin] >= before.affinity[twin] - 1e-5


@pytest.mark.parametrize(
    "profile",
    [
        Profile(keywords=("speech",), disliked=(LikedPaper("robot protein speech"),)),
        Profile(facets=(Facet("graph", keywords=("graph",), liked=(LikedPaper("robot protein speech"),)),)),
    ],
    ids=["disliked before", "given before"],
)
def test_what_was_judged_before_is_not_lowered_by_liking_it_either(profile: Profile) -> None:
    """Both were found by the promise above: a spread of the others alone let a judged paper soar."""
    papers = papers_of([*[("graph robot protein", 0)] * 12, ("graph graph", 0), ("robot protein speech", 0)])
    before, after = Ranker(papers).rank([profile, learn(profile, papers[-1], Feedback.MORE)])
    assert after.affinity[-1] >= before.affinity[-1]
    assert after.affinity[-1] == after.affinity.max()
