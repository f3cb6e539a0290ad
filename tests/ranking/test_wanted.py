"""A paper is wanted if it says what the reader typed, whatever else the day holds."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Facet, LikedPaper, Paper, Profile, ReasonKind
from digest.ranking import topic_matching
from digest.ranking.array_types import Floats
from digest.ranking.embeddings import Encoder
from digest.ranking.ranker import Ranker
from digest.ranking.selection import THRESHOLDS
from tests.factories import make_paper

USUAL = min(threshold for threshold in THRESHOLDS.values() if threshold > 0.3)
ABSTRACT = (
    "Earlier work is slow and needs labels that nobody has. We propose {topic} and show on four data sets "
    "that it is more accurate than all baselines. An ablation explains which of its parts matter, and we "
    "publish code. Further experiments with other sizes, seeds and budgets confirm the gains, which grow "
    "with more compute."
)
OTHER = (
    "attention heads",
    "reward models",
    "video diffusion",
    "speech codecs",
    "table retrieval",
    "robot grasping",
)


def write_paper(topic: str, title: str = "", number: int = 0) -> Paper:
    return make_paper(
        title or topic.capitalize(), abstract=ABSTRACT.format(topic=topic), id=f"arxiv:2611.{number:05d}"
    )


def get_probability(profile: Profile, *papers: Paper) -> list[float]:
    """Return the probability of each paper on a day that holds other papers too."""
    day = [*papers, *(write_paper(topic, number=100 + number) for number, topic in enumerate(OTHER))]
    return [float(value) for value in Ranker(day).rank([profile])[0].probability[: len(papers)]]


@pytest.mark.parametrize(
    ("keyword", "topic"),
    [
        ("protein folding", "protein folding"),
        ("proteins folding", "a protein-folding method"),
        ("Bayesian optimisation", "Bayesian optimization"),
        ("behaviour cloning", "behavior cloning"),
        ("knowledge distilation", "knowledge distillation"),  # a typing slip
        ("reinforcement learnig", "reinforcement learning"),  # one in an ending
        ("image segmentatoin", "image segmentation"),
        ("GNN", "graph neural networks"),
        ("BCIs", "brain-computer interfaces"),
        ("natural gas", "natural gas"),  # no plural of GA, genetic algorithm
        ("graph neural networks", "a GNN"),
        ("text to speech", "text-to-speech synthesis"),
        ("C++", "memory-safe C++ programs"),
        ("C#", "types of C#"),
        ("GPT4", "GPT-4"),
        ("covid19", "COVID-19"),
        ("machine unlearning", "unlearning for machines, i.e. machine unlearning"),
    ],
)
def test_spelling_endings_slips_and_acronyms_make_no_difference(keyword: str, topic: str) -> None:
    [probability] = get_probability(Profile(keywords=(keyword,)), write_paper(topic))
    assert probability >= USUAL


@pytest.mark.parametrize(
    ("keyword", "topic"),
    [
        ("category theory", "theory of games for online auctions of several goods"),
        ("time series forecasting", "a series of prompts for web agents that book travel"),
        ("quantum error correction", "error analysis of speech recognition in noisy cars"),
        ("machine unlearning", "machine learning of the price of sheep"),
        ("xylomancy", "sheep counting by night"),  # a word that the field does not know
    ],
)
def test_generic_parts_of_a_keyword_are_not_enough(keyword: str, topic: str) -> None:
    [probability] = get_probability(Profile(keywords=(keyword,)), write_paper(topic, title="A new benchmark"))
    assert probability < USUAL


@pytest.mark.parametrize(
    ("keyword", "title", "sentences"),
    [
        (
            "protein folding",
            "Texture of high-protein snack bars during storage",
            (
                "Protein bars harden when they are stored.",
                "We prepare bars from whey, casein and pea protein with three sugar alcohols.",
                "Bars with hydrolysed whey protein stay soft the longest.",
            ),
        ),
        (
            "virus evolution",
            "Detecting computer viruses in office documents with graph networks",
            (
                "Macros in office documents still spread viruses.",
                "We parse macros into graphs and detect computer viruses that appeared after training.",
                "Attackers can evade the network by dead code, against which we train adversarially.",
            ),
        ),
        (
            "star formation",
            "Do movie stars still sell tickets?",
            (
                "We study whether stars raise the revenue of films.",
                "For 5,400 films we estimate the effect of the cast on the opening weekend.",
                "The effect of stars has halved since streaming began.",
            ),
        ),
    ],
)
def test_word_of_a_keyword_in_another_sense_is_not_enough(
    keyword: str, title: str, sentences: Sequence[str]
) -> None:
    paper = make_paper(title, abstract=" ".join(sentences))
    [probability] = get_probability(Profile(keywords=(keyword,)), paper)
    assert probability < USUAL


@pytest.mark.parametrize(
    ("keyword", "topic"),
    [
        (
            "RLHF",
            "to train a reward model on human preferences and to tune the policy by reinforcement learning",
        ),
        ("xylomancy", "a cure by xylomancy"),  # a word that the field does not know stands for itself
    ],
)
def test_related_terms_speak_for_a_paper(keyword: str, topic: str) -> None:
    [probability] = get_probability(Profile(keywords=(keyword,)), write_paper(topic, title="A new benchmark"))
    assert probability >= USUAL


class MeaningModel:
    """Texts of sheep or wool mean the same; all others are unlike each other."""

    name, weight, is_calibrated = "meaning-1", 1.0, True

    def fit_encoder(self, texts: Sequence[str]) -> Encoder:
        del texts

        def encode(texts: Sequence[str]) -> Floats:
            is_woolly = [any(word in text.casefold() for word in ("sheep", "wool")) for text in texts]
            return np.array([[1, 0] if woolly else [0, 1] for woolly in is_woolly], np.float32)

        return encode


def test_sentence_model_speaks_for_a_paper_only_if_its_cosines_are_calibrated() -> None:
    day = [
        write_paper("carding wool on old looms"),
        write_paper("violins", number=1),
        write_paper("tides", number=2),
    ]
    model, other = MeaningModel(), MeaningModel()
    other.is_calibrated = False
    reader = Profile(keywords=("sheep",))
    by_words, by_meaning, by_other = (
        Ranker(day, model=own).rank([reader])[0].probability for own in (None, model, other)
    )
    assert by_meaning[0] > 2 * by_words[0]
    assert by_meaning[1] < 2 * by_words[1]
    assert by_other == pytest.approx(by_words)


def test_word_that_is_everywhere_tells_less_than_a_rare_one() -> None:
    common, rare = (
        get_probability(Profile(keywords=(word,)), write_paper(word, title="A new benchmark"))[0]
        for word in ("model", "ultrasound")
    )
    assert common < rare


def test_probability_does_not_depend_on_the_other_papers() -> None:
    profile, paper = Profile(keywords=("protein folding", "crop yield")), write_paper("protein folding")
    days = [
        [paper],
        [paper] * 40,
        [paper, *(write_paper(topic, number=n) for n, topic in enumerate(OTHER, 1))],
    ]
    probabilities = [float(Ranker(day).rank([profile])[0].probability[0]) for day in days]
    assert probabilities == pytest.approx([probabilities[0]] * 3, abs=1e-5)
    assert Ranker([]).rank([profile])[0].probability.size == 0


@pytest.mark.parametrize(
    "profile",
    [
        Profile(text="I follow protein folding. Not interested in drug discovery."),
        Profile(text="I like protein folding, not drug discovery."),
        Profile(keywords=("protein folding", "not drug discovery")),
    ],
)
def test_what_a_reader_rules_out_is_not_wanted(profile: Profile) -> None:
    wanted, ruled_out = get_probability(
        profile,
        write_paper("protein folding"),
        write_paper("protein folding", "Drug discovery by folding"),
    )
    assert wanted >= USUAL
    assert ruled_out == 0


def test_reason_names_the_keyword_in_full_or_the_topic_it_is_near_to() -> None:
    day = [write_paper("protein folding"), write_paper("crop yield", number=1)]
    [ranking] = Ranker(day).rank([Profile(facets=(Facet("Biology", ("protein folding",)),))])
    reason = ranking.build_reason(0)
    assert (reason.because, reason.terms, reason.facet) == (ReasonKind.TERMS, ("protein folding",), "Biology")
    assert ranking.build_reason(1).terms == ()


def test_liked_paper_that_is_truly_near_is_wanted_beside_what_was_typed() -> None:
    twin = write_paper("sparse crop yield maps from satellites")
    liked = LikedPaper(twin.title, twin.abstract)
    [without] = get_probability(Profile(keywords=("protein folding",)), twin)
    [with_liked] = get_probability(Profile(keywords=("protein folding",), liked=(liked,)), twin)
    assert without < USUAL <= with_liked


def test_reader_with_liked_papers_only_may_rule_something_out() -> None:
    paper, liked = write_paper("drug discovery"), write_paper("drug discovery in yeast", number=9)
    profile = Profile(liked=(LikedPaper(liked.title, liked.abstract),))
    [near] = get_probability(profile, paper)
    [ruled_out] = get_probability(replace(profile, text="No drug discovery, please."), paper)
    assert near > ruled_out == 0


def test_followed_author_is_wanted_whatever_the_paper_says() -> None:
    paper = write_paper("crop yield")
    [probability] = get_probability(Profile(keywords=("protein folding",), authors=paper.authors[:1]), paper)
    assert probability >= USUAL


def test_many_topics_are_matched_without_growing_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_matching, "MAX_CACHED_CELLS", 100)
    ranker = Ranker([write_paper("protein folding")])
    profiles = [Profile(keywords=(f"topic{number}", "protein folding")) for number in range(150)]
    probabilities = [ranking.probability[0] for ranking in ranker.rank(profiles)]
    assert min(probabilities) >= USUAL
    assert len(ranker._topic_matcher._matches) <= 100


@given(
    st.lists(st.text(max_size=30), max_size=4),
    st.text(max_size=80),
    st.lists(st.text(max_size=40), max_size=3),
)
def test_any_words_give_a_probability(keywords: Sequence[str], text: str, titles: Sequence[str]) -> None:
    papers = [make_paper(title, id=f"arxiv:2611.{number:05d}") for number, title in enumerate(titles)]
    [ranking] = Ranker(papers).rank([Profile(keywords=tuple(keywords), text=text)])
    assert np.all((ranking.probability >= 0) & (ranking.probability <= 1))
