"""`digest rank` needs files and nothing else, and names the line that makes no sense."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from digest.cli.rank import command

TITLES = (
    "Ocean heat content",
    "Auctions with budgets",
    "Speech prosody",
    "Protein docking",
    "Robots that fold",
)
PAPERS = [
    {"id": f"p{n}", "title": title, "abstract": f"We study {title.lower()}."}
    for n, title in enumerate(TITLES)
]


def lines(folder: Path, name: str, rows: Sequence[object]) -> str:
    path = folder / f"{name}.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return str(path)


def rank(
    folder: Path, *options: str, papers: Sequence[object] = PAPERS, readers: Sequence[object] = ()
) -> Result:
    given = ["--papers", lines(folder, "papers", papers), "--vectors", "none", *options]
    if readers:
        given += ["--profiles", lines(folder, "readers", readers)]
    return CliRunner().invoke(command, given)


def answers(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_the_nearest_paper_comes_first_with_its_reason(tmp_path: Path) -> None:
    [answer] = answers(rank(tmp_path, "--top", "2", readers=[{"id": "ada", "keywords": ["protein docking"]}]))
    assert answer["profile"] == "ada"
    assert answer["picks"][0]["paper"] == "p3"
    assert len(answer["picks"]) == 2
    assert set(answer["picks"][0]) == {"paper", "affinity", "heat", "score", "reason"}
    assert answer["picks"][0]["reason"] == "about protein docking"


def test_top_zero_ranks_every_candidate_of_the_profile(tmp_path: Path) -> None:
    readers = [{"id": 1, "text": "robots"}, {"id": 2, "text": "robots", "candidates": ["p4", "p1"]}]
    everything, some = answers(rank(tmp_path, "--top", "0", readers=readers))
    assert len(everything["picks"]) == 5
    assert [pick["paper"] for pick in some["picks"]] == ["p4", "p1"]


def test_muted_papers_are_never_printed(tmp_path: Path) -> None:
    readers = [{"id": 1, "keywords": ["ocean", "robots"], "muted": ["Ocean heat"]}]
    [answer] = answers(rank(tmp_path, "--top", "0", readers=readers))
    assert "p0" not in {pick["paper"] for pick in answer["picks"]}


def test_without_profiles_it_is_the_trending_order_as_of_now(tmp_path: Path) -> None:
    early, late = "2026-11-23T08:00:00Z", "2026-11-23T12:00:00Z"
    papers = [
        {
            **PAPERS[0],
            "listed": "2026-11-23",
            "signals": [{"kind": "upvotes", "value": 9, "observed_at": early}],
        },
        {
            **PAPERS[1],
            "listed": "2026-11-23",
            "signals": [{"kind": "upvotes", "value": 90, "observed_at": late}],
        },
    ]
    [before] = answers(rank(tmp_path, "--now", "2026-11-23T09:00:00Z", papers=papers))
    [after] = answers(rank(tmp_path, "--now", "2026-11-23T13:00:00Z", papers=papers))
    assert before["profile"] is None
    assert [pick["paper"] for pick in before["picks"]] == ["p0", "p1"]
    assert [pick["paper"] for pick in after["picks"]] == ["p1", "p0"]


def test_liked_papers_and_a_background_rank_too(tmp_path: Path) -> None:
    readers = [{"id": 1, "liked": [{"title": "Docking of proteins"}], "disliked": [{"title": "Auctions"}]}]
    earlier = lines(tmp_path, "earlier", [{"id": f"b{n}", "title": f"Old docking {n}"} for n in range(9)])
    [answer] = answers(rank(tmp_path, "--background", earlier, readers=readers))
    assert answer["picks"][0]["paper"] == "p3"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"title": "no id"}, "line 1: it has no 'id'"),
        ([1], "line 1: it is not a JSON object"),
        ({"id": "x", "authors": "Ada"}, 'line 1: "authors" is a text'),
        ({"id": "x", "published": "yesterday"}, "line 1: Invalid isoformat"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(tmp_path: Path, line: object, says: str) -> None:
    result = rank(tmp_path, papers=[line])
    assert result.exit_code == 2
    assert says in result.output
    assert "papers.jsonl" in result.output


def test_an_unknown_candidate_is_named(tmp_path: Path) -> None:
    result = rank(tmp_path, readers=[{"id": "ada", "candidates": ["nowhere"]}])
    assert result.exit_code == 2
    assert "Profile ada: candidate nowhere is not among --papers" in result.output


def voted(**signal: object) -> list[dict[str, Any]]:
    signals = [{"value": 9, "observed_at": "2026-03-02T08:00:00Z", **signal}]
    return [{"id": "p0", "signals": signals}, {"id": "p1"}]


@pytest.mark.parametrize("signal", [{"value": None}, {"kind": "bookmarks"}])
def test_a_signal_that_was_not_read_or_is_unknown_counts_for_nothing(
    tmp_path: Path, signal: dict[str, object]
) -> None:
    [answer] = answers(rank(tmp_path, "--now", "2026-03-02T09:00:00Z", papers=voted(**signal)))
    assert "no votes read yet" in answer["picks"][0]["reason"]


@pytest.mark.parametrize(
    "papers",
    [
        voted(value=-5),
        voted(value=float("nan")),
        voted(value=float("inf")),
        voted(observed_at="0001-01-01T00:00:00+14:00"),
        [{"id": None}],
    ],
)
def test_a_number_or_a_day_that_cannot_be_is_a_usage_error_with_its_line(
    tmp_path: Path, papers: list[dict[str, Any]]
) -> None:
    result = rank(tmp_path, papers=papers)
    assert result.exit_code == 2
    assert "line 1" in result.output


def test_a_byte_order_mark_and_broken_characters_do_not_stop_a_ranking(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "\\ud83d", "title": "caf\xe9"}\r\n\r\n{"id": "b"}')
    result = CliRunner().invoke(command, ["--papers", str(path)])
    assert {pick["paper"] for pick in answers(result)[0]["picks"]} == {"\ud83d", "b"}


def test_facets_stay_apart_and_are_told(tmp_path: Path) -> None:
    facets = [
        {"name": "sea", "keywords": ["ocean"]},
        {"name": "talk", "liked": [{"title": "Speech prosody"}]},
    ]
    [answer] = answers(rank(tmp_path, "--top", "2", readers=[{"id": 1, "facets": facets}]))
    assert {pick["paper"] for pick in answer["picks"]} == {"p0", "p2"}
    assert any("your interest “sea”" in pick["reason"] for pick in answer["picks"])


def test_a_facet_without_a_name_is_a_mistake_that_is_named(tmp_path: Path) -> None:
    result = rank(tmp_path, readers=[{"id": 1, "facets": [{"keywords": ["ocean"]}]}])
    assert result.exit_code == 2
    assert "a facet needs a name" in result.output
