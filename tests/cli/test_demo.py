"""`digest demo` from outside: one command, nothing set, and the whole product has worked."""

import re
import sqlite3
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from digest.cli.demo import DATABASE, command, judge
from digest.models.errors import DeliveryError
from digest.tools.demo.dataset import READERS
from digest.tools.demo.scenario import Played

MOST_WORK = 10  # seconds of our own time, start-up included; what others do meanwhile is not counted


@dataclass(frozen=True)
class Demo:
    """One run of the command, looked at by many tests."""

    result: Result
    folder: Path
    work: float

    def mails(self, pattern: str) -> list[Path]:
        return sorted((self.folder / "mails").glob(pattern))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo, in an environment that would break anything that listened to it."""
    folder = tmp_path_factory.mktemp("demo")
    hostile = {
        "DIGEST_DATABASE_URL": "nonsense://",
        "DIGEST_SMTP_URL": "smtp://192.0.2.1",
        "DIGEST_SEND_AT": "never",
        "DIGEST_ARXIV_RSS_URL": "http://192.0.2.1",
        "HTTP_PROXY": "http://192.0.2.1:9",
    }
    started = time.process_time()
    result = CliRunner(env=hostile).invoke(command, ["--out", str(folder)])
    return Demo(result, folder, time.process_time() - started)


def test_it_ends_well_and_soon(demo: Demo) -> None:
    assert demo.result.exit_code == 0, demo.result.output
    assert demo.work < MOST_WORK


def test_it_says_what_went_where_and_why_and_what_to_open(demo: Demo) -> None:
    output = demo.result.output
    for reader in READERS:
        assert reader.taste in output
    assert "Trending\t" in output
    assert "since yesterday" in output
    assert "6 digests, and 6 to confirm and to welcome" in output
    assert "Running the last day again sent none" in output
    assert f"Open {demo.folder.resolve()}/index.html" in output


def test_it_says_nothing_of_its_machinery(demo: Demo) -> None:
    assert "Traceback" not in demo.result.output
    assert "127.0.0.1" not in demo.result.stdout


def test_every_reader_got_two_digests_a_confirmation_and_a_welcome(demo: Demo) -> None:
    for reader in READERS:
        name = reader.name.lower()
        stems = {path.stem for path in demo.mails(f"*{name}.eml")}
        assert stems == {
            f"2026-11-19-{name}",
            f"2026-11-20-{name}",
            f"confirmation-{name}",
            f"welcome-{name}",
        }


def test_every_mail_has_its_three_files(demo: Demo) -> None:
    stems = {path.stem for path in demo.mails("*")}
    assert len(stems) == 12
    assert {path.name for path in demo.mails("*")} == {
        f"{stem}.{ending}" for stem in stems for ending in ("eml", "html", "txt")
    }
    assert all(path.stat().st_size > 200 for path in demo.mails("*"))


def test_what_arrived_is_a_digest_as_promised(demo: Demo) -> None:
    for path in demo.mails("2026-11-*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["To"].endswith(".example")
        assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_the_three_readers_are_sent_different_papers(demo: Demo) -> None:
    subjects = [
        message_from_bytes(path.read_bytes(), policy=policy.default)["Subject"]
        for path in demo.mails("2026-11-20-*.eml")
    ]
    assert len(set(subjects)) == len(READERS)


def test_nobody_is_sent_a_paper_twice_unless_it_broke_out(demo: Demo) -> None:
    for reader in READERS:
        thursday, friday = (
            set(re.findall(r"arxiv\.org/abs/([\d.]+)", path.read_text(encoding="utf-8")))
            for path in demo.mails(f"2026-11-*-{reader.name.lower()}.html")
        )
        assert len(friday) >= 5
        again = thursday & friday
        html = demo.mails(f"2026-11-20-{reader.name.lower()}.html")[0].read_text(encoding="utf-8")
        assert html.count("broke out since we sent it") == len(again)


def test_no_mail_holds_the_withdrawn_paper_or_raw_tex(demo: Demo) -> None:
    for path in demo.mails("2026-11-*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "Pairs of Primes Differing by Six" not in text
        assert r"\emph" not in text
        assert r"$\beta$" not in text


def test_the_page_leads_to_every_mail_and_gives_every_reason(demo: Demo) -> None:
    page = (demo.folder / "index.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="(mails/[^"]+)"', page))
    assert all((demo.folder / link).is_file() for link in links)
    assert {path.name for path in demo.mails("2026-*")} <= {Path(link).name for link in links}
    assert page.count("Why") > len(READERS)
    assert "://127.0.0.1" not in page


def test_the_ledger_says_that_all_twelve_mails_were_accepted(demo: Demo) -> None:
    with sqlite3.connect(demo.folder / DATABASE) as database:
        states = database.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall()
    database.close()
    assert states == [("accepted", 12)]


def test_a_second_demo_in_the_same_folder_starts_afresh(demo: Demo) -> None:
    stray = demo.folder / "mails" / "1999-01-01-nobody.html"
    stray.write_text("old", encoding="utf-8")
    mine = demo.folder / "notes.md"
    mine.write_text("mine", encoding="utf-8")
    result = CliRunner().invoke(command, ["--out", str(demo.folder)])
    assert result.exit_code == 0, result.output
    assert not stray.exists()
    assert mine.read_text(encoding="utf-8") == "mine"


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    real = tmp_path / "digest.sqlite3"
    real.write_text("somebody's subscribers", encoding="utf-8")
    result = CliRunner().invoke(command, ["--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "holds other things" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["digest.sqlite3"]
    assert real.read_text(encoding="utf-8") == "somebody's subscribers"


def test_a_second_run_that_sends_anything_is_a_failure_in_words() -> None:
    played = Played(mornings=(), posted=(), notices=(), received=12, again=2)
    with pytest.raises(DeliveryError, match="sent 2 mails; it must send none"):
        judge(played)


def test_a_reader_without_a_mail_is_a_failure_in_words() -> None:
    with pytest.raises(DeliveryError, match="Only 0 of 3 readers"):
        judge(Played(mornings=(), posted=(), notices=(), received=0, again=0))
