"""A paper is wanted if it is near to liked ones on an absolute scale, whatever else the day holds."""

from collections.abc import Sequence

import numpy as np
import pytest

from digest.models import LikedPaper, Paper, Profile
from digest.ranking.ranker import Ranker
from tests.factories import make_paper
from tests.ranking.test_wanted import USUAL

ABSTRACTS = {
    "Attention heads that count": "Which heads of a transformer count tokens? Ablations find three of them.",
    "Reward models of long answers": "Preference data favour length. We debias reward models by regression.",
    "Video diffusion in one step": "A distilled generator denoises all frames of a video clip at once.",
    "Speech codecs at low rates": "Quantized codebooks compress speech with clear vowels.",
    "Asking tables in plain words": "Questions about spreadsheets become queries, checked by execution.",
    "Grasping of unknown objects": "A robot hand closes around cups it has never seen, by touch alone.",
    "Proofs by search": "A prover explores Lean tactics with a tree search and learns from its failures.",
}
OTHERS = [
    make_paper(title, abstract=abstract, id=f"arxiv:2611.001{number:02}")
    for number, (title, abstract) in enumerate(ABSTRACTS.items())
]
NEAR = make_paper(
    "Crop yield maps by radar satellites",
    abstract="Radar sees fields through clouds. We map crop yield of wheat and maize from satellite images.",
    id="arxiv:2611.00001",
)
LIKED = (
    LikedPaper("Maps of crop yield in dry years", "Satellite images predict crop yield under drought."),
    LikedPaper("Wheat from space", "Satellites tell wheat fields from maize, and forecast their yield."),
)


def get_probabilities(
    day: Sequence[Paper], profile: Profile | None = None, earlier: Sequence[Paper] = ()
) -> list[float]:
    [ranking] = Ranker(day, earlier).rank([profile or Profile(liked=LIKED)])
    return [float(value) for value in ranking.probability]


@pytest.mark.parametrize("earlier", [0, 40])
def test_day_without_a_near_paper_gives_nothing(earlier: int) -> None:
    assert max(get_probabilities(OTHERS, earlier=OTHERS * earlier)) < USUAL
    assert max(get_probabilities(OTHERS[:1], earlier=OTHERS * earlier)) < USUAL
    assert get_probabilities([]) == []


@pytest.mark.parametrize("day", [[NEAR], [NEAR] * 40, [NEAR, *OTHERS], [NEAR, *OTHERS * 40]])
def test_near_paper_is_wanted_on_a_day_of_any_size_and_topic(day: Sequence[Paper]) -> None:
    assert get_probabilities(day, earlier=OTHERS * 40)[0] >= USUAL


@pytest.mark.parametrize("times", [1, 40])
def test_near_paper_is_wanted_on_the_first_day(times: int) -> None:
    assert get_probabilities([NEAR, *OTHERS * times])[0] >= USUAL


def test_small_interest_among_liked_papers_is_an_interest() -> None:
    music = [f"violin bows and strings of old masters, part {number}" for number in range(12)]
    profile = Profile(liked=(*(LikedPaper(title, title) for title in music), *LIKED, LIKED[0]))
    assert get_probabilities([NEAR, *OTHERS], profile, OTHERS * 40)[0] >= USUAL


def test_followed_author_and_paper_that_was_given_are_wanted() -> None:
    given = LikedPaper(OTHERS[0].title, OTHERS[0].abstract)
    profile = Profile(liked=(*LIKED, given), authors=OTHERS[1].authors[:1])
    probabilities = get_probabilities([NEAR, *OTHERS], profile)
    assert min(probabilities[1:3]) >= USUAL


def test_features_say_what_the_probability_is_made_of() -> None:
    [reader, nobody] = Ranker([NEAR, *OTHERS]).rank([Profile(liked=LIKED), Profile(categories=("cs.LG",))])
    features = reader.chunk.liked.describe(reader.row, 0)
    assert features["nearness"] > 1
    assert 0 < features["topics"] < 10
    assert reader.chunk.liked.describe(nobody.row, 0) == {}
    assert reader.probability[0] == pytest.approx(1 / (1 + np.exp(-features["logit"])), abs=1e-3)
