"""The demo's ten mornings, as values: what was read, who got what, and that a second run changes nothing."""

from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from digest.models import Section
from digest.sources.registry import Plan
from digest.tools.demo.dataset import READERS
from digest.tools.demo.report import lines, write
from digest.tools.demo.scenario import DAYS, MORNINGS, Played, play, sealed


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One performance serves every test here, so its backend is the module's."""
    return "asyncio"


@pytest.fixture(scope="module")
def told() -> list[tuple[str, int, int]]:
    """What the audience of the performance was told, step by step."""
    return []


@pytest.fixture(scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, int, int]]) -> Played:
    database = tmp_path_factory.mktemp("day") / "demo.sqlite3"
    return await play(database, tell=lambda *step: told.append(step))


async def test_ten_mornings_are_read_and_weekends_bring_nothing_new(played: Played) -> None:
    assert [morning.now for morning in played.mornings] == list(MORNINGS)
    quiet = [morning.now.date() for morning in played.mornings if not morning.new]
    assert quiet == [date(2026, 11, 14), date(2026, 11, 15)]
    assert sum(morning.new for morning in played.mornings) >= 160


async def test_every_reader_gets_a_digest_on_each_of_the_last_two_days(played: Played) -> None:
    got = [(posted.edition.day.day, posted.reader.name) for posted in played.posted]
    assert got == [(day, reader.name) for day in (19, 20) for reader in READERS]
    assert played.received == len(got) + 2 * len(READERS)


async def test_the_last_day_run_again_sends_nothing(played: Played) -> None:
    assert played.again == 0


async def test_each_readers_picks_are_of_their_own_field(played: Played) -> None:
    fields = {"Lin": {"cs", "stat"}, "Robin": {"cs"}, "Stella": {"stat", "math", "cs"}}
    first = {posted.reader.name: posted.edition.section(Section.PICKED)[0].paper for posted in played.posted}
    assert {name: paper.category.partition(".")[0] in fields[name] for name, paper in first.items()} == {
        reader.name: True for reader in READERS
    }
    chosen = [{pick.paper.id for pick in posted.edition.section(Section.PICKED)} for posted in played.posted]
    assert not set.intersection(*chosen[:3])


async def test_every_pick_has_a_reason_in_words(played: Played) -> None:
    for posted in played.posted:
        reasoned = [line.why for line in lines(posted) if line.section == "Picked"]
        assert reasoned
        assert all(reasoned)


async def test_what_is_written_down_can_be_opened(played: Played, tmp_path: Path) -> None:
    page = write(played, tmp_path)
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(list((tmp_path / "mails").iterdir())) == 3 * played.received


async def test_the_audience_is_told_of_every_morning(
    played: Played, told: list[tuple[str, int, int]]
) -> None:
    assert [done for _, done, _ in told] == list(range(DAYS + 1))
    assert told[0][0] == "Wednesday 11 November"


def test_the_clock_is_the_demos_own() -> None:
    assert MORNINGS[-1] == datetime(2026, 11, 20, 12, 5, tzinfo=UTC)


def test_neither_the_environment_nor_a_file_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("DIGEST_BRAND=From a file\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_BASE_URL", "nonsense")
    monkeypatch.setenv("DIGEST_SEND_AT", "never")
    settings = sealed(tmp_path / "x.sqlite3", upstream="http://127.0.0.1:1", mailbox="smtp://127.0.0.1:2")
    assert settings.brand == "Trending Papers"
    assert settings.base_url == "https://papers.example"


def test_every_source_is_read_from_our_own_server(tmp_path: Path) -> None:
    settings = sealed(tmp_path / "x.sqlite3", upstream="http://127.0.0.1:1", mailbox="smtp://127.0.0.1:2")
    urls = [entry.name for entry in fields(Plan) if entry.name.endswith("_url")]
    assert urls
    assert all(getattr(settings, name).startswith("http://127.0.0.1:1") for name in urls)
