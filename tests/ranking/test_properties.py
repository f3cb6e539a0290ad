"""Properties of every edition, for any profile and any day."""

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
from digest.ranking.candidate_arrays import CandidateArrays
from digest.ranking.feedback import Feedback, learn_from_feedback
from digest.ranking.ranker import Ranker
from digest.ranking.selection import ExclusionRule, ReaderState, Selection, Selections
from tests.factories import NOW, make_paper, make_subscriber

WORDS = ("graph", "robot", "protein", "speech", "ocean", "privacy", "quantum", "image", "market", "kernel")
words = st.sampled_from(WORDS)
TEXTS = tuple(" ".join(WORDS[n : n + 3]) for n in range(8))  # few, so that some papers have the same text
texts = st.sampled_from(TEXTS) | st.lists(words, min_size=1, max_size=6).map(" ".join)
liked_papers = st.lists(texts.map(LikedPaper), max_size=4).map(tuple)
profiles = st.builds(
    Profile,
    keywords=st.lists(words, max_size=2).map(tuple),
    muted=st.lists(words | st.just("ocean heat"), max_size=2).map(tuple),
    authors=st.sampled_from(((), ("Ada Loveless",), ("Eve Fictive",))),
    liked=liked_papers,
    disliked=liked_papers,
    learnt=st.lists(st.tuples(words, st.sampled_from((-0.6, 0.2, 1.0))), max_size=2).map(tuple),
    facets=st.lists(st.builds(Facet, words, keywords=st.tuples(words), liked=liked_papers), max_size=2).map(
        tuple
    ),
)
# Several papers of a day may have the same text and the same heat.
days = st.lists(st.tuples(texts, st.integers(0, 3)), min_size=1, max_size=14)
preference_sets = st.builds(
    Preferences,
    mix=st.sampled_from(Mix),
    trending=st.integers(0, 3),
    picked=st.integers(0, 8),
    also_new=st.integers(0, 6),
)


def make_papers(day: Sequence[tuple[str, int]]) -> list[Paper]:
    return [make_paper(title, id=f"arxiv:2611.{n:05d}", abstract="") for n, (title, _) in enumerate(day)]


def make_heat(day: Sequence[tuple[str, int]]) -> dict[str, Heat]:
    votes = [votes for _, votes in day]
    return {
        paper.id: Heat(value=n / 2, expected=n, votes=n)
        for paper, n in zip(make_papers(day), votes, strict=True)
    }


def select_edition(
    papers: Sequence[Paper], heat: dict[str, Heat], profile: Profile, preferences: Preferences
) -> Selection:
    [rankings] = Ranker(papers).rank_chunks([profile])
    state = ReaderState(make_subscriber(profile=profile, preferences=preferences), {}, None, NOW.date())
    [selection] = Selections(CandidateArrays(Candidates(tuple(papers), heat)), rankings, [state])
    return selection


def list_picks(selection: Selection) -> list[tuple[str, str]]:
    return [(str(pick.section), pick.paper.id) for pick in selection.picks]


@given(days, profiles, preference_sets, st.data())
def test_selection_does_not_depend_on_the_order_of_papers(
    day: list[tuple[str, int]], profile: Profile, preferences: Preferences, data: st.DataObject
) -> None:
    papers, heat = make_papers(day), make_heat(day)
    first = select_edition(papers, heat, profile, preferences)
    again = select_edition(data.draw(st.permutations(papers)), heat, profile, preferences)
    assert list_picks(first) == list_picks(again)
    assert first.excluded == again.excluded


@given(days, profiles, preference_sets)
def test_selection_is_deterministic(
    day: list[tuple[str, int]], profile: Profile, preferences: Preferences
) -> None:
    first, again = (select_edition(make_papers(day), make_heat(day), profile, preferences) for _ in range(2))
    assert [replace(pick, paper=pick.paper) for pick in first.picks] == list(again.picks)
    assert first.excluded == again.excluded


def test_order_is_the_same_in_another_process(tmp_path: Path) -> None:
    """The order of sets of strings differs between processes; results must not depend on it."""
    titles = [" ".join((one, other, *WORDS[: n % 5])) for n, one in enumerate(WORDS) for other in WORDS]
    lines = [json.dumps({"id": f"p{n}", "title": title}) for n, title in enumerate(titles)]
    (tmp_path / "papers").write_text("\n".join(lines))
    reader = {"id": "ada", "keywords": ["ocean", "graph"], "liked": [{"title": t} for t in titles[:40:3]]}
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


@given(days, profiles, preference_sets)
def test_muted_papers_are_excluded_as_muted(
    day: list[tuple[str, int]], profile: Profile, preferences: Preferences
) -> None:
    papers = make_papers(day)
    selection = select_edition(papers, make_heat(day), profile, preferences)
    muted = {paper.id for paper in papers if any(f" {m} " in f" {paper.title} " for m in profile.muted)}
    assert not muted & {pick.paper.id for pick in selection.picks}
    assert {name for name, rule in selection.excluded.items() if rule is ExclusionRule.MUTED} == muted


@given(days, profiles, st.sampled_from((Feedback.MORE, Feedback.SAVE)), st.data())
def test_liking_a_paper_never_lowers_it_nor_one_with_the_same_text(
    day: list[tuple[str, int]], profile: Profile, feedback: Feedback, data: st.DataObject
) -> None:
    papers = make_papers(day)
    index = data.draw(st.sampled_from(range(len(papers))))
    same_text = next(n for n, paper in enumerate(papers) if paper.title == papers[index].title)
    elsewhere = replace(papers[index], id="arxiv:2611.99999")  # known by its text alone, as from a library
    before, after, by_text = Ranker(papers).rank(
        [
            profile,
            learn_from_feedback(profile, papers[index], feedback),
            learn_from_feedback(profile, elsewhere, feedback),
        ]
    )
    for liked in (after, by_text):
        assert liked.affinity[index] >= before.affinity[index] - 1e-5
        assert liked.relevance[index] >= before.relevance[index] - 1e-6
        assert liked.affinity[same_text] >= before.affinity[same_text] - 1e-5


@pytest.mark.parametrize(
    "profile",
    [
        Profile(keywords=("speech",), disliked=(LikedPaper("robot protein speech"),)),
        Profile(facets=(Facet("graph", keywords=("graph",), liked=(LikedPaper("robot protein speech"),)),)),
    ],
    ids=["disliked before", "liked before"],
)
def test_liking_a_paper_judged_before_does_not_lower_it(profile: Profile) -> None:
    """Both were found by the property above: scaling by the others alone raised a judged paper too far."""
    papers = make_papers(
        [*[("graph robot protein", 0)] * 12, ("graph graph", 0), ("robot protein speech", 0)]
    )
    before, after = Ranker(papers).rank([profile, learn_from_feedback(profile, papers[-1], Feedback.MORE)])
    assert after.affinity[-1] >= before.affinity[-1]
    assert after.affinity[-1] == after.affinity.max()
