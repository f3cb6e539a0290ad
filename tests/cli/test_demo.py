"""Tests of `digest demo` end to end, without any setting: output, files, mails and database."""

import os
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from digest.cli.demo import DATABASE, check_demo, command
from digest.db.file_lock import lock_open
from digest.models.errors import DeliveryError, StoreBusy
from digest.tools.demo.dataset import READERS
from digest.tools.demo.scenario import DemoResult

EARLIER_READER = "earlier@example.com"
MAX_CPU_SECONDS = 10  # process time with start-up; other processes do not count


@dataclass(frozen=True)
class DemoRun:
    """One run of the command, shared by many tests."""

    result: Result
    folder: Path
    cpu_seconds: float

    def mails(self, pattern: str) -> list[Path]:
        return sorted((self.folder / "mails").glob(pattern))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """Run the demo in the folder of an earlier one; it must not read the settings, which would break it."""
    folder = tmp_path_factory.mktemp("demo")
    _leave_earlier_demo(folder)
    environment = {
        "DIGEST_DATABASE_URL": "nonsense://",
        "DIGEST_SMTP_URL": "smtp://192.0.2.1",
        "DIGEST_SEND_AT": "never",
        "DIGEST_ARXIV_RSS_URL": "http://192.0.2.1",
        "HTTP_PROXY": "http://192.0.2.1:9",
    }
    started = time.process_time()
    result = CliRunner(env=environment).invoke(command, ["--out", str(folder)])
    return DemoRun(result, folder, time.process_time() - started)


def _leave_earlier_demo(folder: Path) -> None:
    with closing(sqlite3.connect(folder / DATABASE)) as database, database:
        database.execute("CREATE TABLE subscriber AS SELECT ? AS address", (EARLIER_READER,))
    (folder / "mails").mkdir()
    (folder / "mails" / "1999-01-01-nobody.html").write_text("old", encoding="utf-8")
    (folder / "notes.md").write_text("mine", encoding="utf-8")


def test_demo_succeeds_in_time(demo: DemoRun) -> None:
    assert demo.result.exit_code == 0, demo.result.output
    assert demo.cpu_seconds < MAX_CPU_SECONDS


def test_output_names_readers_reasons_counts_and_the_page(demo: DemoRun) -> None:
    output = demo.result.output
    for reader in READERS:
        assert reader.taste in output
    assert "Trending\t" in output
    assert "since yesterday" in output
    assert "6 digests, and 6 confirmations and welcomes" in output
    assert "Running the last day again sent none" in output
    assert f"Open {demo.folder.resolve()}/index.html" in output


def test_output_has_no_internals(demo: DemoRun) -> None:
    assert "Traceback" not in demo.result.output
    assert "127.0.0.1" not in demo.result.stdout


def test_every_reader_got_two_digests_a_confirmation_and_a_welcome(demo: DemoRun) -> None:
    for reader in READERS:
        name = reader.name.lower()
        stems = {path.stem for path in demo.mails(f"*{name}.eml")}
        assert stems == {
            f"2026-11-19-{name}",
            f"2026-11-20-{name}",
            f"confirmation-{name}",
            f"welcome-{name}",
        }


def test_every_mail_has_its_three_files(demo: DemoRun) -> None:
    stems = {path.stem for path in demo.mails("*")}
    assert len(stems) == 12
    assert {path.name for path in demo.mails("*")} == {
        f"{stem}.{suffix}" for stem in stems for suffix in ("eml", "html", "txt")
    }
    assert all(path.stat().st_size > 200 for path in demo.mails("*"))


def test_received_mails_are_complete_digests(demo: DemoRun) -> None:
    for path in demo.mails("2026-11-*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["To"].endswith(".example")
        assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_the_three_readers_are_sent_different_papers(demo: DemoRun) -> None:
    subjects = [
        message_from_bytes(path.read_bytes(), policy=policy.default)["Subject"]
        for path in demo.mails("2026-11-20-*.eml")
    ]
    assert len(set(subjects)) == len(READERS)


def test_nobody_is_sent_a_paper_twice_unless_it_broke_out(demo: DemoRun) -> None:
    for reader in READERS:
        thursday, friday = (
            set(re.findall(r"arxiv\.org/abs/([\d.]+)", path.read_text(encoding="utf-8")))
            for path in demo.mails(f"2026-11-*-{reader.name.lower()}.html")
        )
        assert len(friday) >= 5
        repeated = thursday & friday
        html = demo.mails(f"2026-11-20-{reader.name.lower()}.html")[0].read_text(encoding="utf-8")
        assert html.count("broke out since we sent it") == len(repeated)


def test_no_mail_holds_the_withdrawn_paper_or_raw_tex(demo: DemoRun) -> None:
    for path in demo.mails("2026-11-*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "Pairs of Primes Differing by Six" not in text
        assert r"\emph" not in text
        assert r"$\beta$" not in text


def test_page_links_every_mail_and_shows_every_reason(demo: DemoRun) -> None:
    page = (demo.folder / "index.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="(mails/[^"]+)"', page))
    assert all((demo.folder / link).is_file() for link in links)
    assert {path.name for path in demo.mails("2026-*")} <= {Path(link).name for link in links}
    assert page.count("Why") > len(READERS)
    assert "://127.0.0.1" not in page


def test_database_has_twelve_accepted_deliveries(demo: DemoRun) -> None:
    with closing(sqlite3.connect(demo.folder / DATABASE)) as database:
        states = database.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall()
    assert states == [("accepted", 12)]


def test_second_demo_in_the_same_folder_starts_over(demo: DemoRun) -> None:
    assert not (demo.folder / "mails" / "1999-01-01-nobody.html").exists()
    assert (demo.folder / "notes.md").read_text(encoding="utf-8") == "mine"
    with closing(sqlite3.connect(demo.folder / DATABASE)) as database:
        addresses = {address for (address,) in database.execute("SELECT address FROM subscriber")}
    assert len(addresses) == len(READERS)
    assert EARLIER_READER not in addresses


def test_folder_with_other_files_is_refused_and_unchanged(tmp_path: Path) -> None:
    other_file = tmp_path / "digest.sqlite3"
    other_file.write_text("somebody's subscribers", encoding="utf-8")
    result = CliRunner().invoke(command, ["--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "contains other files" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["digest.sqlite3"]
    assert other_file.read_text(encoding="utf-8") == "somebody's subscribers"


def test_demo_does_not_replace_the_database_of_one_that_runs(tmp_path: Path) -> None:
    database = tmp_path / DATABASE
    database.write_text("of the demo that runs", encoding="utf-8")
    lock = lock_open(database)

    result = CliRunner().invoke(command, ["--out", str(tmp_path)])

    os.close(lock)
    assert isinstance(result.exception, StoreBusy)
    assert "stop" in str(result.exception)
    assert database.read_text(encoding="utf-8") == "of the demo that runs"


def test_check_demo_fails_if_the_repeated_day_sent_mail() -> None:
    result = DemoResult(days=(), digests=(), notices=(), mail_count=12, resent_count=2)
    with pytest.raises(DeliveryError, match="sent 2 emails; it must send none"):
        check_demo(result)


def test_check_demo_fails_if_a_reader_got_no_mail() -> None:
    with pytest.raises(DeliveryError, match="Only 0 of 3 readers"):
        check_demo(DemoResult(days=(), digests=(), notices=(), mail_count=0, resent_count=0))
