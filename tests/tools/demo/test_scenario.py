"""The demo's scenario: what was read, who got what, and that a second run sends nothing."""

from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from digest.models import Section
from digest.sources.config import SourceConfig
from digest.tools.demo.dataset import READERS
from digest.tools.demo.report import list_rows, write_report
from digest.tools.demo.scenario import DAY_COUNT, RUN_TIMES, DemoResult, make_isolated_settings, play


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Return the backend, for the whole module: all tests look at one run."""
    return "asyncio"


@pytest.fixture(scope="module")
def progress_calls() -> list[tuple[str, int, int]]:
    """Return the list that collects the calls of on_progress."""
    return []


@pytest.fixture(scope="module")
async def result(
    tmp_path_factory: pytest.TempPathFactory, progress_calls: list[tuple[str, int, int]]
) -> DemoResult:
    database = tmp_path_factory.mktemp("day") / "demo.sqlite3"
    return await play(database, on_progress=lambda *step: progress_calls.append(step))


async def test_ten_days_are_read_and_weekends_bring_nothing_new(result: DemoResult) -> None:
    assert [day.now for day in result.days] == list(RUN_TIMES)
    quiet = [day.now.date() for day in result.days if not day.new]
    assert quiet == [date(2026, 11, 14), date(2026, 11, 15)]
    assert sum(day.new for day in result.days) >= 160


async def test_every_reader_gets_a_digest_on_each_of_the_last_two_days(result: DemoResult) -> None:
    sent = [(digest.edition.day.day, digest.reader.name) for digest in result.digests]
    assert sent == [(day, reader.name) for day in (19, 20) for reader in READERS]
    assert result.mail_count == len(sent) + 2 * len(READERS)


async def test_the_last_day_run_again_sends_nothing(result: DemoResult) -> None:
    assert result.resent_count == 0


async def test_each_readers_picks_are_of_their_own_field(result: DemoResult) -> None:
    fields = {"Lin": {"cs", "stat"}, "Robin": {"cs"}, "Stella": {"stat", "math", "cs"}}
    first = {
        digest.reader.name: digest.edition.get_picks(Section.PICKED)[0].paper for digest in result.digests
    }
    assert {name: paper.category.partition(".")[0] in fields[name] for name, paper in first.items()} == {
        reader.name: True for reader in READERS
    }
    chosen = [
        {pick.paper.id for pick in digest.edition.get_picks(Section.PICKED)} for digest in result.digests
    ]
    assert not set.intersection(*chosen[:3])


async def test_every_pick_has_a_reason_in_words(result: DemoResult) -> None:
    for digest in result.digests:
        reasoned = [row.why for row in list_rows(digest) if row.section == "Picked"]
        assert reasoned
        assert all(reasoned)


async def test_the_report_is_a_page_and_three_files_per_mail(result: DemoResult, tmp_path: Path) -> None:
    page = write_report(result, tmp_path)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(list((tmp_path / "mails").iterdir())) == 3 * result.mail_count


async def test_progress_is_reported_for_every_day(
    result: DemoResult, progress_calls: list[tuple[str, int, int]]
) -> None:
    assert [done for _, done, _ in progress_calls] == list(range(DAY_COUNT + 1))
    assert progress_calls[0][0] == "Wednesday 11 November"


def test_the_demo_ends_at_a_fixed_time() -> None:
    assert RUN_TIMES[-1] == datetime(2026, 11, 20, 12, 5, tzinfo=UTC)


def test_isolated_settings_ignore_environment_and_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("DIGEST_BRAND=From a file\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_BASE_URL", "nonsense")
    monkeypatch.setenv("DIGEST_SEND_AT", "never")
    settings = make_isolated_settings(
        tmp_path / "x.sqlite3", sources_url="http://127.0.0.1:1", smtp_url="smtp://127.0.0.1:2"
    )
    assert settings.brand == "Trending Papers"
    assert settings.base_url == "https://papers.example"


def test_every_source_is_read_from_our_own_server(tmp_path: Path) -> None:
    settings = make_isolated_settings(
        tmp_path / "x.sqlite3", sources_url="http://127.0.0.1:1", smtp_url="smtp://127.0.0.1:2"
    )
    urls = [entry.name for entry in fields(SourceConfig) if entry.name.endswith("_url")]
    assert urls
    assert all(getattr(settings, name).startswith("http://127.0.0.1:1") for name in urls)
