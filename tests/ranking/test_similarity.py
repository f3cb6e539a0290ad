"""Words and meaning, more and less: what each counts for when papers are compared with a reader."""

from collections.abc import Sequence

import pytest

from digest.models import LikedPaper, Paper, Profile
from digest.ranking.bm25 import Floats, counted
from digest.ranking.ranker import Ranker
from digest.ranking.similarity import TELLING
from tests.factories import paper
from tests.ranking.test_embeddings import Synonyms
from tests.ranking.test_hubness import WORDS, past
from tests.ranking.test_ranker import TOPICS, about, liking, pool

TOPICAL = pool([about(topic, n) for topic in TOPICS for n in range(5)])
MODEL_ALONE = 1e6  # the weight of a model beside which no word counts


def affinity(
    papers: Sequence[Paper], profile: Profile, *, weight: float | None = None, earlier: Sequence[Paper] = ()
) -> Floats:
    """How near the papers are; by words alone if the model has no weight."""
    model = Synonyms()
    model.weight = weight or 0.0
    [ranking] = Ranker(papers, earlier, None if weight is None else model).rank([profile])
    return ranking.affinity


def disliking(profile: Profile, *titles: str) -> Profile:
    return Profile(
        keywords=profile.keywords, liked=profile.liked, disliked=tuple(LikedPaper(each) for each in titles)
    )


def test_papers_that_all_say_the_same_are_all_as_usual() -> None:
    papers = pool(["ocean heat"] * 4)
    assert not affinity(papers, Profile(keywords=("ocean",))).any()
    assert not affinity(papers, Profile(keywords=("ocean",)), weight=1.0).any()


def test_disliking_one_of_four_liked_papers_takes_back_just_what_it_gave() -> None:
    papers = pool(["ocean tides", "protein folding", "market auction", "speech accents", "violin strings"])
    likes = liking("ocean tides", "protein folding", "market auction", "speech accents")
    for titles in (("ocean tides",), ("ocean tides", "ocean tides")):
        ocean, protein, *_, violins = affinity(papers, disliking(likes, *titles))
        assert ocean == pytest.approx(violins, abs=1e-4)
        assert protein > 0 > violins


def test_less_like_this_counts_as_much_beside_typed_words_as_beside_liked_papers() -> None:
    papers = [paper(title, abstract="") for title in ("waves", "market waves", "money", "violins")]
    typed, liked = (
        affinity(papers, disliking(wanted, "auction"), weight=MODEL_ALONE)
        for wanted in (Profile(keywords=("sea",)), liking("sea"))
    )
    assert typed == pytest.approx(liked, abs=1e-3)


@pytest.mark.parametrize("words", [1, 150, 600])
def test_a_model_counts_half_beside_three_hundred_different_terms(words: int) -> None:
    reader = Profile(keywords=(" ".join(("ocean", *(f"word{n}x" for n in range(1, words)))),))
    share = TELLING / (TELLING + len(counted(reader.keywords[0])))
    papers = pool(
        [f"{title} ocean" for title in ("waves", "pebbles", "auction", "market", "violins violins")]
    )
    in_words, in_meaning = (affinity(papers, reader, weight=weight) for weight in (None, MODEL_ALONE))
    both = in_words + share * in_meaning
    assert affinity(papers, reader, weight=1.0) == pytest.approx((both - both.mean()) / both.std(), abs=1e-3)


def test_two_liked_papers_are_heard_beside_seven_others_as_the_nearest_count_twice() -> None:
    papers = pool(["waves", "money waves", "money", "violins", "strings", "wood"])
    sea = ("ocean", "sea", "ocean sea", "ocean ocean", "sea sea", "salty sea", "blue ocean")
    waves, _, money, *others = affinity(papers, liking(*sea, "auction", "market"), weight=MODEL_ALONE)
    foreign = max(others)
    assert waves > money > foreign
    assert money - foreign < (waves - foreign) / 10  # heard, not as loudly


def test_who_shares_more_words_but_is_near_to_everything_is_no_nearer_to_me() -> None:
    papers = pool(["ocean money graph robot kernel", "ocean zeolite lattice anneal", "violins", "strings"])
    hub, hermit, *_ = affinity(papers, liking("ocean graph"), earlier=past())
    assert hermit > hub > 0


def test_a_liked_paper_counts_the_more_the_less_usual_it_is() -> None:
    papers = pool(["zeolite violins", "dopant violins", " ".join(WORDS), "strings"])
    likes = liking(" ".join((*WORDS, "zeolite")), "dopant lattice anneal quench")
    usual, rare, *_ = affinity(papers, likes, earlier=past())
    assert rare > usual > 0
