"""Tests of `digest export`: papers of a digest, saved ones and single ones, in every format."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from digest.app.services import Services, open_services
from digest.app.settings import list_variables, load_settings
from digest.cli.export import command
from digest.models import DeliveryKind, NewDelivery, Paper, Status, Subscriber
from digest.models.errors import NotFound
from digest.subscribers import Actor
from digest.subscribers.saved_papers import annotate_saved_paper, save_paper
from tests.factories import NOW, make_paper, store_subscriber

FIRST, SECOND, SAVED = (
    make_paper(title, id=f"arxiv:2611.0004{number}")
    for number, title in enumerate(("First Sheep", "Second Sheep", "Saved Sheep"))
)


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Services on a database with two digests and a saved paper of Ada."""
    for variable in list_variables().values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    services = open_services(load_settings())
    with services.store.begin() as tx:
        tx.papers.add([FIRST, SECOND, SAVED], seen_at=NOW)
        ada = store_subscriber(tx, "ada@example.com", status=Status.CONFIRMED, now=NOW)
        for day, papers in ((22, (FIRST,)), (23, (SECOND, FIRST))):
            tx.deliveries.enqueue([_build_digest(ada, date(2026, 11, day), papers)], now=NOW)
        save_paper(tx, ada, SAVED, actor=Actor("reader", NOW, b"key"))
        annotate_saved_paper(tx, ada, SAVED, note="Read it", tags="Wool, to read")
    yield services
    services.close()


def _build_digest(reader: Subscriber, day: date, papers: tuple[Paper, ...]) -> NewDelivery:
    slot = NOW.replace(day=day.day)
    return NewDelivery(
        kind=DeliveryKind.DIGEST,
        key=f"digest/{day}/{reader.id}",
        subscriber_id=reader.id,
        address=reader.address,
        day=day,
        slot=slot,
        not_before=slot,
        not_after=slot,
        payload={"papers": [paper.id for paper in papers]},
    )


def _export(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize(
    ("options", "titles"),
    [
        (["ada@example.com"], ["Second Sheep", "First Sheep"]),
        (["ada@example.com", "--day", "2026-11-22"], ["First Sheep"]),
        (["ada@example.com", "--saved"], ["Saved Sheep"]),
        (["ada@example.com", "--tag", "WOOL"], ["Saved Sheep"]),
        (["ada@example.com", "--tag", "goats"], []),
        (
            ["--paper", "2611.00041v2", "--paper", FIRST.url, "--paper", FIRST.id],
            ["Second Sheep", "First Sheep"],
        ),
    ],
)
def test_export_writes_the_papers_that_were_asked_for(options: list[str], titles: list[str]) -> None:
    items = json.loads(_export(*options, "--format", "csl-json").stdout)

    assert [item["title"] for item in items] == titles


@pytest.mark.usefixtures("services")
def test_export_is_bibtex_or_what_the_file_ends_in(tmp_path: Path) -> None:
    assert _export("ada@example.com").stdout.startswith("@misc{arxiv:2611.00041,")
    for name, beginning in (("a.ris", "TY  - UNPB"), ("a.md", "## [Saved Sheep]"), ("a.txt", "@misc{")):
        result = _export("ada@example.com", "--saved", "--out", str(tmp_path / name))
        assert result.stderr == f"Papers written to {tmp_path / name}: 1.\n"
        assert (tmp_path / name).read_text().startswith(beginning)
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize(
    ("name", "options", "code"),
    [("a.docx", (), 2), ("a.docx", ("--format", "ris"), 0), ("papers", (), 0), ("A.BIB", (), 0)],
)
def test_a_file_that_ends_in_no_format_needs_one(
    tmp_path: Path, name: str, options: tuple[str, ...], code: int
) -> None:
    result = _export("ada@example.com", "--out", str(tmp_path / name), *options)

    assert result.exit_code == code, result.output
    assert (tmp_path / name).exists() == (code == 0)


@pytest.mark.usefixtures("services")
def test_saved_papers_are_exported_with_note_and_tags() -> None:
    document = _export("ada@example.com", "--saved").stdout

    assert "annote = {Read it}" in document
    assert "keywords = {cs.LG, Wool, to read}" in document


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["ada@example.com", "--day", "2026-01-01"], "no digest of 2026-01-01"),
        (["--paper", "2611.99999"], "no paper '2611.99999'"),
        (["eve@example.com"], "not subscribed"),
    ],
)
def test_what_is_not_there_is_named(options: list[str], words: str) -> None:
    error = _export(*options).exception

    assert isinstance(error, NotFound)
    assert words in str(error)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["ada@example.com", "--paper", "2611.00040"],
        ["--paper", "2611.00040", "--saved"],
        ["ada@example.com", "--saved", "--day", "2026-11-22"],
        ["ada@example.com", "--format", "word"],
    ],
)
def test_options_that_do_not_fit_together_are_a_usage_error(options: list[str]) -> None:
    assert _export(*options).exit_code == 2
