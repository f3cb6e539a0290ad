"""Tests of `digest rank`: rankings from files alone, and errors with the line number."""

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


def write_lines(folder: Path, name: str, rows: Sequence[object]) -> str:
    path = folder / f"{name}.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return str(path)


def run_rank(
    folder: Path, *options: str, papers: Sequence[object] = PAPERS, readers: Sequence[object] = ()
) -> Result:
    arguments = ["--papers", write_lines(folder, "papers", papers), "--vectors", "none", *options]
    if readers:
        arguments += ["--profiles", write_lines(folder, "readers", readers)]
    return CliRunner().invoke(command, arguments)


def parse_profiles(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_nearest_paper_is_first_and_has_a_reason(tmp_path: Path) -> None:
    [profile] = parse_profiles(
        run_rank(tmp_path, "--top", "2", readers=[{"id": "ada", "keywords": ["protein docking"]}])
    )
    assert profile["profile"] == "ada"
    assert profile["picks"][0]["paper"] == "p3"
    assert len(profile["picks"]) == 2
    assert set(profile["picks"][0]) == {"paper", "affinity", "probability", "heat", "score", "reason"}
    assert profile["picks"][0]["reason"] == "about protein docking"


def test_top_zero_ranks_every_candidate_of_the_profile(tmp_path: Path) -> None:
    readers = [{"id": 1, "text": "robots"}, {"id": 2, "text": "robots", "candidates": ["p4", "p1"]}]
    all_papers, own_candidates = parse_profiles(run_rank(tmp_path, "--top", "0", readers=readers))
    assert len(all_papers["picks"]) == 5
    assert [pick["paper"] for pick in own_candidates["picks"]] == ["p4", "p1"]


def test_muted_papers_are_left_out(tmp_path: Path) -> None:
    readers = [{"id": 1, "keywords": ["ocean", "robots"], "muted": ["Ocean heat"]}]
    [profile] = parse_profiles(run_rank(tmp_path, "--top", "0", readers=readers))
    assert "p0" not in {pick["paper"] for pick in profile["picks"]}


def test_without_profiles_papers_are_in_trending_order_as_of_now(tmp_path: Path) -> None:
    morning, noon = "2026-11-23T08:00:00Z", "2026-11-23T12:00:00Z"
    papers = [
        {
            **PAPERS[0],
            "listed": "2026-11-23",
            "signals": [{"kind": "upvotes", "value": 9, "observed_at": morning}],
        },
        {
            **PAPERS[1],
            "listed": "2026-11-23",
            "signals": [{"kind": "upvotes", "value": 90, "observed_at": noon}],
        },
    ]
    [at_nine] = parse_profiles(run_rank(tmp_path, "--now", "2026-11-23T09:00:00Z", papers=papers))
    [at_one] = parse_profiles(run_rank(tmp_path, "--now", "2026-11-23T13:00:00Z", papers=papers))
    assert at_nine["profile"] is None
    assert [pick["paper"] for pick in at_nine["picks"]] == ["p0", "p1"]
    assert [pick["paper"] for pick in at_one["picks"]] == ["p1", "p0"]


def test_liked_papers_and_background_are_used(tmp_path: Path) -> None:
    readers = [{"id": 1, "liked": [{"title": "Docking of proteins"}], "disliked": [{"title": "Auctions"}]}]
    background = write_lines(
        tmp_path, "earlier", [{"id": f"b{n}", "title": f"Old docking {n}"} for n in range(9)]
    )
    [profile] = parse_profiles(run_rank(tmp_path, "--background", background, readers=readers))
    assert profile["picks"][0]["paper"] == "p3"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"title": "no id"}, "line 1: it has no 'id'"),
        ([1], "line 1: it is not a JSON object"),
        ({"id": "x", "authors": "Ada"}, 'line 1: "authors" is a text'),
        ({"id": "x", "published": "yesterday"}, "line 1: Invalid isoformat"),
    ],
)
def test_invalid_line_is_reported_with_its_number(tmp_path: Path, line: object, message: str) -> None:
    result = run_rank(tmp_path, papers=[line])
    assert result.exit_code == 2
    assert message in result.output
    assert "papers.jsonl" in result.output


def test_unknown_candidate_is_reported(tmp_path: Path) -> None:
    result = run_rank(tmp_path, readers=[{"id": "ada", "candidates": ["nowhere"]}])
    assert result.exit_code == 2
    assert "Profile ada: candidate nowhere is not among --papers" in result.output


def make_papers_with_votes(**signal: object) -> list[dict[str, Any]]:
    signals = [{"value": 9, "observed_at": "2026-03-02T08:00:00Z", **signal}]
    return [{"id": "p0", "signals": signals}, {"id": "p1"}]


@pytest.mark.parametrize("signal", [{"value": None}, {"kind": "bookmarks"}])
def test_signal_without_value_or_of_unknown_kind_is_ignored(
    tmp_path: Path, signal: dict[str, object]
) -> None:
    [profile] = parse_profiles(
        run_rank(tmp_path, "--now", "2026-03-02T09:00:00Z", papers=make_papers_with_votes(**signal))
    )
    assert "no votes read yet" in profile["picks"][0]["reason"]


@pytest.mark.parametrize(
    "papers",
    [
        make_papers_with_votes(value=-5),
        make_papers_with_votes(value=float("nan")),
        make_papers_with_votes(value=float("inf")),
        make_papers_with_votes(observed_at="0001-01-01T00:00:00+14:00"),
        [{"id": None}],
    ],
)
def test_impossible_number_or_time_is_a_usage_error_with_its_line(
    tmp_path: Path, papers: list[dict[str, Any]]
) -> None:
    result = run_rank(tmp_path, papers=papers)
    assert result.exit_code == 2
    assert "line 1" in result.output


def test_byte_order_mark_and_invalid_characters_are_tolerated(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "\\ud83d", "title": "caf\xe9"}\r\n\r\n{"id": "b"}')
    result = CliRunner().invoke(command, ["--papers", str(path)])
    assert {pick["paper"] for pick in parse_profiles(result)[0]["picks"]} == {"\ud83d", "b"}


def test_facets_are_ranked_apart_and_named_in_reasons(tmp_path: Path) -> None:
    facets = [
        {"name": "sea", "keywords": ["ocean"]},
        {"name": "talk", "liked": [{"title": "Speech prosody"}]},
    ]
    [profile] = parse_profiles(run_rank(tmp_path, "--top", "2", readers=[{"id": 1, "facets": facets}]))
    assert {pick["paper"] for pick in profile["picks"]} == {"p0", "p2"}
    assert any("your interest “sea”" in pick["reason"] for pick in profile["picks"])


def test_facet_without_a_name_is_reported(tmp_path: Path) -> None:
    result = run_rank(tmp_path, readers=[{"id": 1, "facets": [{"keywords": ["ocean"]}]}])
    assert result.exit_code == 2
    assert "a facet needs a name" in result.output
