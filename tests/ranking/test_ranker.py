"""Papers are as near to a reader as their words say, whatever the order and however many read."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Facet, LikedPaper, Paper, Profile, ReasonKind
from digest.ranking.ranker import Ranker
from tests.factories import paper

WORDS = ("graph", "robot", "protein", "speech", "ocean", "privacy", "quantum", "image", "market", "kernel")
texts = st.lists(st.sampled_from(WORDS), min_size=2, max_size=8).map(" ".join)
pools = st.lists(texts, min_size=3, max_size=12, unique=True)


def pool(titles: list[str]) -> list[Paper]:
    return [paper(title, id=f"arxiv:2611.{n:05d}", abstract="") for n, title in enumerate(titles)]


def liking(*titles: str) -> Profile:
    return Profile(liked=tuple(LikedPaper(title) for title in titles))


TOPICS = {
    "ocean": "salinity currents tides waves drifting buoys heat uptake deep water mixing thermocline",
    "protein": "folding residues binding pockets enzyme docking amino sequence mutation stability backbone",
    "market": "auction bidders prices equilibrium welfare truthful revenue mechanism budget allocation",
    "speech": "phoneme accents transcription microphones vocoder prosody dialect utterances speakers lexicon",
}


def about(topic: str, number: int) -> str:
    chance = Random(f"{topic} {number}")  # noqa: S311  invents titles, the same in every run
    return " ".join((topic, *chance.sample(TOPICS[topic].split(), 5)))


def test_what_was_typed_is_found() -> None:
    papers = pool(["Graphs of proteins", "Quantum markets", "Diffusion models for robots", "Ocean kernels"])
    [ranking] = Ranker(papers).rank([Profile(keywords=("diffusion models",))])
    assert int(ranking.affinity.argmax()) == 2
    assert ranking.reason(2).terms == ("diffusion models",)
    assert ranking.reason(2).because is ReasonKind.TERMS


def test_a_paper_without_a_word_in_common_never_stands_out() -> None:
    papers = pool([about("ocean", n) for n in range(20)])
    [ranking] = Ranker(papers).rank([Profile(keywords=("category theory",))])
    assert ranking.affinity.max() <= 0


def test_a_reader_who_told_us_nothing_has_no_taste() -> None:
    [ranking] = Ranker(pool(["Graphs", "Robots"])).rank([Profile()])
    assert not ranking.is_personal
    assert not ranking.affinity.any()
    assert ranking.reason(0).because is ReasonKind.NEW


def test_an_empty_day_is_ranked_too() -> None:
    [ranking] = Ranker([]).rank([liking("Graphs of robots")])
    assert ranking.affinity.shape == (0,)


def test_a_followed_author_stands_out_and_is_named_as_the_paper_writes_it() -> None:
    papers = [*pool(["Graphs", "Robots"]), paper("Sleep", authors=("E. Fictive", "Zoë Ångström"))]
    [ranking] = Ranker(papers).rank([Profile(authors=("Angstrom, Zoe",))])
    assert int(ranking.affinity.argmax()) == 2
    assert ranking.reason(2).author == "Zoë Ångström"
    assert ranking.reason(2).because is ReasonKind.AUTHOR


def test_a_category_is_enough_for_a_reader_who_gave_nothing_else() -> None:
    papers = [*pool(["Graphs", "Robots"]), paper("Vision", categories=("cs.CV",))]
    [ranking] = Ranker(papers).rank([Profile(categories=("cs.CV",))])
    assert ranking.affinity.tolist() == [0, 0, 2]
    assert ranking.reason(2).category == "cs.CV"


def test_less_like_this_lowers_what_is_like_it() -> None:
    papers = pool([about(topic, n) for topic in TOPICS for n in range(5)])
    before, after = Ranker(papers).rank(
        [
            Profile(keywords=("ocean", "speech")),
            Profile(keywords=("ocean", "speech"), disliked=(LikedPaper(about("ocean", 7)),)),
        ]
    )
    assert after.affinity[0] < before.affinity[0]


def test_learnt_terms_count_and_unlearnt_ones_count_against() -> None:
    papers = pool([about(topic, n) for topic in TOPICS for n in range(5)])
    [ranking] = Ranker(papers).rank([Profile(learnt=(("protein", 0.6), ("ocean", -0.6)))])
    assert int(ranking.affinity.argmax()) // 5 == 1
    assert ranking.affinity[:5].max() < ranking.affinity[10:].max() + 1e-6


def test_the_nearest_liked_paper_is_named() -> None:
    papers = pool([about(topic, n) for topic in TOPICS for n in range(6)])
    [ranking] = Ranker(papers).rank([liking(about("ocean", 9), about("market", 9))])
    assert ranking.reason(0).liked_title == about("ocean", 9)


def test_a_named_facet_is_told() -> None:
    papers = pool([about(topic, n) for topic in TOPICS for n in range(6)])
    profile = Profile(
        facets=(Facet("Sea", keywords=("ocean",)), Facet("Money", keywords=("market auction",)))
    )
    [ranking] = Ranker(papers).rank([profile])
    assert ranking.reason(0).facet == "Sea"
    assert ranking.facets([13, 0]) == ["Money", "Sea"]


def test_a_small_interest_is_not_drowned_by_a_large_one() -> None:
    """25 papers on one thing, 5 on another: the small one fills at least four times the places."""
    papers = pool([about(topic, n) for topic in TOPICS for n in range(30)])
    small = range(90, 120)
    liked = [about("ocean", n) for n in range(31, 56)]
    seeds = liking(*liked, *(about("speech", n) for n in range(31, 36)))
    [pooled] = Ranker(papers, splits_seeds=False).rank([seeds])
    [split] = Ranker(papers).rank([seeds])

    def found(affinity: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> int:
        return len(set(np.argsort(-affinity, kind="stable")[:20].tolist()) & set(small))

    assert found(split.affinity) >= 4 * max(found(pooled.affinity), 1)
    assert np.argsort(-split.affinity)[:10].tolist() == np.argsort(-pooled.affinity)[:10].tolist()


@given(pools, texts, st.randoms(use_true_random=False))
def test_the_order_of_the_papers_changes_nothing(titles: list[str], liked: str, chance: Random) -> None:
    papers = pool(titles)
    shuffled = chance.sample(papers, len(papers))
    [ranking] = Ranker(papers).rank([liking(liked)])
    [other] = Ranker(shuffled).rank([liking(liked)])
    before = dict(zip((p.id for p in papers), ranking.affinity, strict=True))
    for each, affinity in zip(shuffled, other.affinity, strict=True):
        assert abs(before[each.id] - affinity) < 1e-3


@given(pools, texts, texts)
def test_other_readers_and_another_time_change_nothing(titles: list[str], liked: str, other: str) -> None:
    papers = pool(titles)
    [alone] = Ranker(papers).rank([liking(liked)])
    _, together = Ranker(papers).rank([liking(other), liking(liked)])
    assert np.allclose(alone.affinity, together.affinity, atol=1e-5)


@given(pools, texts, st.data())
def test_liking_a_paper_never_lowers_it(titles: list[str], liked: str, data: st.DataObject) -> None:
    papers = pool(titles)
    place = data.draw(st.integers(0, len(papers) - 1))
    before, after = Ranker(papers).rank([liking(liked), liking(titles[place], liked)])
    assert after.affinity[place] >= before.affinity[place]
    assert after.relevance[place] >= before.relevance[place]
    assert after.affinity[place] == after.affinity.max()
