"""Ranking of papers by the text of profiles."""

from collections.abc import Sequence
from random import Random
from types import SimpleNamespace
from typing import cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Facet, LikedPaper, Paper, Profile, ReasonKind
from digest.ranking.ranker import RANKED_FIELDS, Ranker
from tests.factories import make_paper

WORDS = ("graph", "robot", "protein", "speech", "ocean", "privacy", "quantum", "image", "market", "kernel")
texts = st.lists(st.sampled_from(WORDS), min_size=2, max_size=8).map(" ".join)
title_lists = st.lists(texts, min_size=3, max_size=12, unique=True)


def make_papers(titles: list[str]) -> list[Paper]:
    return [make_paper(title, id=f"arxiv:2611.{n:05d}", abstract="") for n, title in enumerate(titles)]


def make_liking_profile(*titles: str) -> Profile:
    return Profile(liked=tuple(LikedPaper(title) for title in titles))


TOPICS = {
    "ocean": "salinity currents tides waves drifting buoys heat uptake deep water mixing thermocline",
    "protein": "folding residues binding pockets enzyme docking amino sequence mutation stability backbone",
    "market": "auction bidders prices equilibrium welfare truthful revenue mechanism budget allocation",
    "speech": "phoneme accents transcription microphones vocoder prosody dialect utterances speakers lexicon",
}


def make_title(topic: str, number: int) -> str:
    random = Random(f"{topic} {number}")  # noqa: S311  invents titles, the same in every run
    return " ".join((topic, *random.sample(TOPICS[topic].split(), 5)))


def test_typed_keywords_are_found() -> None:
    papers = make_papers(
        ["Graphs of proteins", "Quantum markets", "Diffusion models for robots", "Ocean kernels"]
    )
    [ranking] = Ranker(papers).rank([Profile(keywords=("diffusion models",))])
    assert int(ranking.affinity.argmax()) == 2
    assert ranking.build_reason(2).terms == ("diffusion models",)
    assert ranking.build_reason(2).because is ReasonKind.TERMS


def test_paper_without_common_terms_never_stands_out() -> None:
    papers = make_papers([make_title("ocean", n) for n in range(20)])
    [ranking] = Ranker(papers).rank([Profile(keywords=("category theory",))])
    assert ranking.affinity.max() <= 0


def test_empty_profile_is_not_personal() -> None:
    [ranking] = Ranker(make_papers(["Graphs", "Robots"])).rank([Profile()])
    assert not ranking.is_personal
    assert not ranking.affinity.any()
    assert ranking.build_reason(0).because is ReasonKind.NEW


def test_a_ranker_reads_only_the_ranked_content_of_papers() -> None:
    papers = make_papers([make_title(topic, number) for topic in TOPICS for number in range(9)])
    profiles = [
        Profile(
            keywords=("ocean currents",),
            muted=("tides",),
            authors=("Bo Chen",),
            affiliations=("Meadow University",),
            categories=("cs.LG",),
            text="auctions and prices",
            liked=(LikedPaper(papers[12].title, "", papers[12].id),),
            disliked=(LikedPaper(papers[30].title),),
            learnt=(("dialect", 0.5),),
            facets=(Facet(name="Speech", keywords=("speech",)),),
        ),
        Profile(authors=("Bo Chen",)),
        make_liking_profile(papers[3].title),
    ]

    def describe(ranked: Sequence[Paper]) -> list[object]:
        rankings = Ranker(ranked).rank(profiles)
        reasons = [ranking.build_reasons(range(len(ranked))) for ranking in rankings]
        return [*reasons, *(ranking.probability.tolist() for ranking in rankings)]

    contents = [SimpleNamespace(**{name: getattr(paper, name) for name in RANKED_FIELDS}) for paper in papers]
    assert describe(cast("list[Paper]", contents)) == describe(papers)


def test_empty_day_is_ranked() -> None:
    [ranking] = Ranker([]).rank([make_liking_profile("Graphs of robots")])
    assert ranking.affinity.shape == (0,)


def test_followed_author_stands_out_and_is_named_as_the_paper_writes_it() -> None:
    papers = [*make_papers(["Graphs", "Robots"]), make_paper("Sleep", authors=("E. Fictive", "Zoë Ångström"))]
    [ranking] = Ranker(papers).rank([Profile(authors=("Angstrom, Zoe",))])
    assert int(ranking.affinity.argmax()) == 2
    assert ranking.build_reason(2).author == "Zoë Ångström"
    assert ranking.build_reason(2).because is ReasonKind.AUTHOR


def test_category_alone_is_enough() -> None:
    papers = [*make_papers(["Graphs", "Robots"]), make_paper("Vision", categories=("cs.CV",))]
    [ranking] = Ranker(papers).rank([Profile(categories=("cs.CV",))])
    assert ranking.affinity.tolist() == [0, 0, 2]
    assert ranking.build_reason(2).category == "cs.CV"


def test_disliked_paper_lowers_similar_ones() -> None:
    papers = make_papers([make_title(topic, n) for topic in TOPICS for n in range(5)])
    before, after = Ranker(papers).rank(
        [
            Profile(keywords=("ocean", "speech")),
            Profile(keywords=("ocean", "speech"), disliked=(LikedPaper(make_title("ocean", 7)),)),
        ]
    )
    assert after.affinity[0] < before.affinity[0]


def test_learnt_terms_count_for_and_against_papers() -> None:
    papers = make_papers([make_title(topic, n) for topic in TOPICS for n in range(5)])
    [ranking] = Ranker(papers).rank([Profile(learnt=(("protein", 0.6), ("ocean", -0.6)))])
    assert int(ranking.affinity.argmax()) // 5 == 1
    assert ranking.affinity[:5].max() < ranking.affinity[10:].max() + 1e-6


def test_most_similar_liked_paper_is_named() -> None:
    papers = make_papers([make_title(topic, n) for topic in TOPICS for n in range(6)])
    [ranking] = Ranker(papers).rank([make_liking_profile(make_title("ocean", 9), make_title("market", 9))])
    assert ranking.build_reason(0).liked_title == make_title("ocean", 9)


def test_named_facet_is_given() -> None:
    papers = make_papers([make_title(topic, n) for topic in TOPICS for n in range(6)])
    profile = Profile(
        facets=(Facet("Sea", keywords=("ocean",)), Facet("Money", keywords=("market auction",)))
    )
    [ranking] = Ranker(papers).rank([profile])
    assert ranking.build_reason(0).facet == "Sea"
    assert ranking.chunk.get_interest_names(0, [13, 0]) == ["Money", "Sea"]


def test_small_group_gets_its_share() -> None:
    """With 25 papers on one topic and 5 on another, the small one gets at least four times the places."""
    papers = make_papers([make_title(topic, n) for topic in TOPICS for n in range(30)])
    small = range(90, 120)
    liked = [make_title("ocean", n) for n in range(31, 56)]
    seeds = make_liking_profile(*liked, *(make_title("speech", n) for n in range(31, 36)))
    [pooled] = Ranker(papers, split_interests=False).rank([seeds])
    [split] = Ranker(papers).rank([seeds])

    def count_small(affinity: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> int:
        return len(set(np.argsort(-affinity, kind="stable")[:20].tolist()) & set(small))

    assert count_small(split.affinity) >= 4 * max(count_small(pooled.affinity), 1)
    assert np.argsort(-split.affinity)[:10].tolist() == np.argsort(-pooled.affinity)[:10].tolist()


@given(title_lists, texts, st.randoms(use_true_random=False))
def test_ranking_does_not_depend_on_the_order_of_papers(
    titles: list[str], liked: str, random: Random
) -> None:
    papers = make_papers(titles)
    shuffled = random.sample(papers, len(papers))
    [ranking] = Ranker(papers).rank([make_liking_profile(liked)])
    [other] = Ranker(shuffled).rank([make_liking_profile(liked)])
    before = dict(zip((p.id for p in papers), ranking.affinity, strict=True))
    for paper, affinity in zip(shuffled, other.affinity, strict=True):
        assert abs(before[paper.id] - affinity) < 1e-3


@given(title_lists, texts, texts)
def test_ranking_does_not_depend_on_other_readers(titles: list[str], liked: str, other: str) -> None:
    papers = make_papers(titles)
    [alone] = Ranker(papers).rank([make_liking_profile(liked)])
    _, together = Ranker(papers).rank([make_liking_profile(other), make_liking_profile(liked)])
    assert np.allclose(alone.affinity, together.affinity, atol=1e-5)


@given(title_lists, texts, st.data())
def test_liking_a_paper_never_lowers_it(titles: list[str], liked: str, data: st.DataObject) -> None:
    papers = make_papers(titles)
    index = data.draw(st.integers(0, len(papers) - 1))
    before, after = Ranker(papers).rank(
        [make_liking_profile(liked), make_liking_profile(titles[index], liked)]
    )
    assert after.affinity[index] >= before.affinity[index]
    assert after.relevance[index] >= before.relevance[index]
    assert after.affinity[index] == after.affinity.max()
