"""Topics are keywords and phrases, interest by interest."""

from digest.models import Facet, Profile
from digest.ranking.topics import ReaderTopics, TopicGroup, find_topics


def test_each_interest_is_a_group_of_its_own() -> None:
    profile = Profile(
        keywords=("soil", " crop  yield "),
        facets=(Facet("Trade", ("wheat prices",), "No futures."), Facet("Empty")),
    )
    assert find_topics(profile) == ReaderTopics(
        (TopicGroup(("soil", "crop yield"), ()), TopicGroup(("wheat prices",), (), "Trade")), ("futures",)
    )


def test_keyword_is_never_ruled_out() -> None:
    profile = Profile(keywords=("web agents", "not drones"), text="No web agent, no chatbots.")
    assert find_topics(profile) == ReaderTopics((TopicGroup(("web agents",), ()),), ("chatbots", "drones"))
