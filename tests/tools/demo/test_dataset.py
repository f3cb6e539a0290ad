"""The demo's dataset: enough papers on ten days, with every difficulty of real ones."""

import re
import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.arxiv_calendar import is_announcement_day
from digest.tools.demo.dataset import CURVES, FIRST_DAY, LAST_DAY, HuggingFacePaper, count_votes, load_dataset

DATASET = load_dataset()
ANNOUNCED = {day: papers for day, papers in DATASET.announced.items() if day >= FIRST_DAY}
ALL_PAPERS = [paper for papers in ANNOUNCED.values() for paper in papers]
NEW = [paper for paper in ALL_PAPERS if paper.type == "new"]
DAYS = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]


def test_there_are_at_least_160_papers_and_no_id_or_title_twice() -> None:
    assert len(NEW) >= 160
    assert len({paper.id for paper in NEW}) == len({paper.title for paper in NEW}) == len(NEW)


def test_it_covers_ten_days_that_end_on_a_friday_with_one_weekend_inside() -> None:
    assert len(DAYS) == 10
    assert LAST_DAY.strftime("%A") == "Friday"
    assert [day for day in DAYS if day not in ANNOUNCED] == [date(2026, 11, 14), date(2026, 11, 15)]
    assert all(is_announcement_day(day) == (day in ANNOUNCED) for day in DAYS)


def test_no_id_can_ever_be_given_to_a_real_paper() -> None:
    ids = {paper.id for paper in ALL_PAPERS} | {paper.id for paper in DATASET.listed}
    assert all(re.fullmatch(r"26(08|09|10|11)\.9\d{4}", number) for number in ids)


def test_every_abstract_has_80_to_150_words() -> None:
    assert not [paper.title for paper in NEW if not 80 <= len(paper.abstract.split()) <= 150]


@pytest.mark.parametrize(
    "archive", ["cs", "stat", "math", "quant-ph", "astro-ph", "cond-mat", "q-bio", "physics", "hep-ph"]
)
def test_many_fields_are_there(archive: str) -> None:
    assert any(paper.categories[0].partition(".")[0] == archive for paper in NEW)


@pytest.mark.parametrize(
    ("category", "at_least"), [("cs.CL", 40), ("cs.RO", 25), ("stat", 25), ("cs.CV", 20), ("cs.LG", 40)]
)
def test_the_fields_of_the_three_readers_have_many_papers(category: str, at_least: int) -> None:
    papers = [p for p in NEW if any(c == category or c.startswith(f"{category}.") for c in p.categories)]
    assert len(papers) >= at_least


@pytest.mark.parametrize(
    "script",
    ["CJK", "HANGUL", "HIRAGANA", "ARABIC", "GREEK", "CYRILLIC", "LATIN SMALL LETTER O WITH DOT BELOW"],
)
def test_names_are_in_many_scripts(script: str) -> None:
    letters = {letter for paper in NEW for letter in unicodedata.normalize("NFC", "".join(paper.authors))}
    assert any(unicodedata.name(letter, "").startswith(script) for letter in letters)


@pytest.mark.parametrize("name", ["Nguyễn Thị Hạnh Vy", "Adébáyọ̀ Ògúnṣọlá"])
def test_vietnamese_and_yoruba_names_keep_their_marks(name: str) -> None:
    assert any(name in paper.authors for paper in NEW)


@pytest.mark.parametrize("raw", [r"\v{Z}iva Kova\v{c}nik", r"{\L}ucja", r"Gro{\ss}b\"acker", r"Jo\~ao"])
def test_tex_in_names_is_as_raw_as_arxivs(raw: str) -> None:
    assert any(raw in paper.creator for paper in NEW)


def test_some_creators_carry_affiliations_with_commas_inside() -> None:
    assert any(re.search(r"\([^)]*, [^)]*\)", paper.creator) for paper in NEW)


@pytest.mark.parametrize("raw", [r"$\beta$-VAEs", r"\emph{", r"\textit{", r"Na\"ive", r"$\varepsilon$"])
def test_tex_in_titles_is_raw_too(raw: str) -> None:
    assert any(raw in paper.title for paper in NEW)


def test_one_title_has_percent_signs_and_five_dollars() -> None:
    assert [p.title for p in NEW if "%" in p.title and "$5" in p.title] == [
        r"100% of Nothing: Why \$5 Attacks Break 99% Accurate Malware Detectors"
    ]


def test_one_author_list_is_very_long() -> None:
    assert sorted(len(paper.authors) for paper in NEW)[-2:] == [6, 143]


def test_papers_come_again_as_new_versions_and_as_cross_lists() -> None:
    kinds = {paper.type for paper in ALL_PAPERS}
    assert kinds == {"new", "cross", "replace", "replace-cross"}
    assert sum(paper.version == 2 for paper in ALL_PAPERS) >= 5
    first = {paper.id: paper for paper in NEW}
    assert any(p.title != first[p.id].title for p in ALL_PAPERS if p.id in first), (
        "a replacement renames its paper"
    )


def test_one_paper_is_withdrawn_a_week_after_it_came() -> None:
    gone = [paper for paper in ALL_PAPERS if "has been withdrawn" in paper.abstract]
    assert [(paper.type, paper.version) for paper in gone] == [("replace", 2)]


def test_papers_are_on_the_daily_list_on_weekdays_only() -> None:
    assert {paper.listed for paper in DATASET.listed} == set(ANNOUNCED)
    assert len(DATASET.listed) >= 80


def test_many_papers_draw_few_votes_and_a_few_draw_many() -> None:
    votes = sorted(paper.votes for paper in DATASET.listed)
    assert votes[len(votes) // 2] < 15
    assert votes[-1] > 200
    assert [paper.shape for paper in DATASET.listed].count("rocket") >= 3
    assert [paper.shape for paper in DATASET.listed].count("sleeper") >= 3


@pytest.mark.parametrize("name", ["stars", "repo", "page", "organization", "summary", "keywords"])
def test_what_is_optional_is_there_for_some_and_missing_for_others(name: str) -> None:
    def has(paper: HuggingFacePaper) -> bool:
        return bool(getattr(paper, name))

    assert {has(paper) for paper in DATASET.listed} == {True, False}


def test_some_listed_papers_were_announced_before_the_sample_begins() -> None:
    announced = {paper.id for paper in ALL_PAPERS}
    assert len([paper for paper in DATASET.listed if paper.id not in announced]) == 4


def test_some_stories_link_no_paper() -> None:
    urls = [story.url for story in DATASET.stories]
    assert None in urls
    assert any(url and "arxiv.org" not in url for url in urls)
    assert sum("arxiv.org" in (url or "") for url in urls) >= 10


SHAPES = st.sampled_from(sorted(CURVES))
HOURS = st.floats(-10, 400)
WAKES = st.floats(0, 120)


@given(shape=SHAPES, final=st.integers(0, 500), wakes=WAKES, one=HOURS, other=HOURS)
def test_votes_never_fall_and_never_exceed_the_end(
    shape: str, final: int, wakes: float, one: float, other: float
) -> None:
    early, late = sorted((one, other))
    before = count_votes(early, final=final, shape=shape, wakes=wakes)
    after = count_votes(late, final=final, shape=shape, wakes=wakes)
    assert 0 <= before <= after <= final


@pytest.mark.parametrize("shape", CURVES)
def test_a_curve_begins_with_nothing_and_reaches_the_end(shape: str) -> None:
    assert count_votes(0, final=80, shape=shape, wakes=60) == 0
    assert count_votes(60 + 168, final=80, shape=shape, wakes=60) == 80


def test_a_sleeper_gets_few_votes_until_it_wakes_and_then_many() -> None:
    def votes(hours: float) -> int:
        return count_votes(hours, final=140, shape="sleeper", wakes=88)

    assert votes(84) < 20
    assert votes(108) > 100
