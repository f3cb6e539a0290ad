"""A paragraph is read for its phrases and for what it rules out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Facet, Profile
from digest.ranking.topics import ReaderTopics, TopicGroup, find_topics, read_paragraph, remove_unwanted


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("I am a chemist looking for papers on protein folding.", {"chemist", "protein folding"}, set()),
        (
            "Glacier melt, sea level rise and permafrost",
            {"Glacier melt", "sea level rise", "permafrost"},
            set(),
        ),
        ("Crop yield. No drones please.", {"Crop yield"}, {"drones"}),
        ("Crop yield. I'm not interested in drones or satellites.", {"Crop yield"}, {"drones", "satellites"}),
        ("Tell me about crop yield except greenhouse tomatoes.", {"crop yield"}, {"greenhouse tomatoes"}),
        ("Crop yield; no more chatbots.", {"Crop yield"}, {"chatbots"}),
        ("Crop yield. Drones are off topic.", {"Crop yield"}, {"Drones"}),
        ("Crop yield. Please no drones.", {"Crop yield"}, {"drones"}),
        ("Crop yield but not wheat prices", {"Crop yield"}, {"wheat prices"}),
        ("Crop yield. Drones don't interest me.", {"Crop yield"}, {"Drones"}),
        ("I'd like to know about it.", set(), set()),
        ("", set(), set()),
    ],
)
def test_phrases_are_found_and_exceptions_ruled_out(text: str, wanted: set[str], unwanted: set[str]) -> None:
    asked, ruled_out = read_paragraph(text)
    assert wanted <= set(asked)
    assert unwanted <= set(ruled_out)
    assert not unwanted & set(asked)


def test_what_is_ruled_out_is_removed_from_the_text_that_attracts() -> None:
    assert remove_unwanted("Crop yield. No drones please. Soil too.") == "Crop yield. Soil too."


def test_each_interest_is_a_group_of_its_own() -> None:
    profile = Profile(
        keywords=("soil", " crop  yield "),
        facets=(Facet("Trade", ("wheat prices",), "No futures."), Facet("Empty")),
    )
    assert find_topics(profile) == ReaderTopics(
        (TopicGroup(("soil", "crop yield"), ()), TopicGroup(("wheat prices",), (), "Trade")), ("futures",)
    )


@given(st.text(max_size=300))
def test_any_paragraph_is_read(text: str) -> None:
    wanted, unwanted = read_paragraph(text)
    assert all(phrase.strip() for phrase in (*wanted, *unwanted))
