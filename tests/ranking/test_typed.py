"""A reason names a keyword in full, and a part of one only where there is nothing better to say."""

import pytest

from digest.models import Facet, Profile
from digest.ranking.ranker import Ranker
from tests.ranking.test_ranker import pool

OTHERS = ["Violins", "Markets", "Kernels", "Zeolites"]


@pytest.mark.parametrize(
    ("keywords", "text", "told"),
    [
        (("generated text",), "", ("generated text",)),
        (("generated text", "sheep"), "", ("generated text", "sheep")),
        (("generated music", "sheep"), "", ("sheep",)),
        (("generated music",), "", ("generated",)),
        (("generated music", "generated", "sheep"), "", ("generated", "sheep")),
        (("generated music", "sheep"), "what is generated", ("generated", "sheep")),
    ],
)
def test_a_keyword_is_named_in_full_and_its_part_only_if_typed_alone_or_if_nothing_else_is_there(
    keywords: tuple[str, ...], text: str, told: tuple[str, ...]
) -> None:
    papers = pool(["Text about sheep; now generated", *OTHERS])
    [ranking] = Ranker(papers).rank([Profile(keywords=keywords, text=text)])
    assert sorted(ranking.reason(0).terms) == sorted(told)


def test_what_the_paper_writes_as_neighbours_is_named_as_the_paper_writes_it() -> None:
    papers = pool(["Generated Texts of sheep", *OTHERS])
    [ranking] = Ranker(papers).rank([Profile(keywords=("generated text",))])
    assert ranking.reason(0).terms == ("Generated Texts",)


def test_the_keywords_of_facets_are_named_in_full_too() -> None:
    papers = pool(["Text about sheep; now generated", *OTHERS])
    [ranking] = Ranker(papers).rank([Profile(facets=(Facet("Words", ("generated text",)),))])
    assert ranking.reason(0).terms == ("generated text",)
