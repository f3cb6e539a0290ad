"""Tests of all commands: help, output for people and programs, exit codes."""

import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir
from datetime import datetime
from importlib import import_module
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

import click
import pytest
import stamina
from click.testing import CliRunner

from digest import cli
from digest.cli import COMMANDS, digest
from digest.cli.subscribers import ACTIONS
from digest.cli.subscribers import command as subscribers
from digest.tools.demo.http_server import UpstreamServer
from tests.app.test_run import THURSDAY

NOW = "2026-11-19T06:30:00Z"
HEAVY = {"numpy", "scipy", "sqlalchemy", "fastapi", "httpx", "lxml", "jinja2", "rich", "pydantic"}
LATER = "2026-11-19T07:01:00Z"


def _iter_commands() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        command = digest.get_command(click.Context(digest), name)
        assert command is not None
        yield name, command
    for name in ACTIONS:
        action = subscribers.get_command(click.Context(subscribers), name)
        assert action is not None
        yield f"subscribers {name}", action


class Shell:
    """Runs the program in a folder of its own, with all sources at *upstream*.

    In this process: starting another takes a second. The tests of failures and of `serve` start real ones.
    Requests that failed are repeated at once.
    """

    def __init__(self, folder: Path, upstream: str) -> None:
        self.folder = folder
        sources = ("ARXIV_RSS", "ARXIV_LISTING", "ARXIV_API", "HUGGINGFACE", "HACKERNEWS")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
        self.env |= {f"DIGEST_{name}_URL": upstream for name in sources}
        self.env |= {"DIGEST_ARXIV_OAI_URL": f"{upstream}/oai", "DIGEST_ARXIV_INTERVAL": "0"}

    def __call__(self, *args: str, **env: str) -> CompletedProcess[str]:
        out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with (
            chdir(self.folder),
            patch.dict(os.environ, self.env | env, clear=True),
            patch.multiple(sys, argv=["digest", *args], stdin=StringIO(), stdout=out, stderr=err),
            stamina.set_testing(True, attempts=10, cap=True),
            pytest.raises(SystemExit) as exit_info,
        ):
            cli.main()
        texts = (stream.buffer.getvalue().decode() for stream in (out, err))
        return CompletedProcess(args, int(exit_info.value.code or 0), *texts)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Return a shell whose database has fetched papers and one confirmed subscriber."""
    with UpstreamServer(THURSDAY) as upstream:
        shell = Shell(tmp_path_factory.mktemp("shell"), upstream.url)
        fetched = shell("fetch", "--now", NOW)
        assert fetched.returncode == 0, fetched.stderr
        added = shell("subscribers", "add", "ada@example.com", "--keywords", "robotics", "--confirmed",
                      "--now", "2026-11-19T06:00:00Z")  # fmt: skip
        assert added.returncode == 0, added.stderr
        yield shell


def test_every_command_has_help_with_an_example() -> None:
    for name, command in _iter_commands():
        result = CliRunner().invoke(command, ["--help"])
        assert result.exit_code == 0, name
        assert "Example" in result.output, name


def test_help_never_wraps_an_example() -> None:
    for name, command in [("", digest), *_iter_commands()]:
        shown = CliRunner().invoke(command, ["--help"], terminal_width=80).output.splitlines()
        examples = (command.epilog or "").removeprefix("\b\n").splitlines()
        assert all(any(line.strip() == example.strip() for line in shown) for example in examples), name


def test_help_imports_no_heavy_library() -> None:
    code = "import sys, digest.cli as c\nfrom click.testing import CliRunner\n"
    code += "print(CliRunner().invoke(c.digest, ['--help']).output)\n"
    code += f"heavy = {HEAVY!r} & set(sys.modules)\n"
    code += "sys.exit(f'imported {heavy}' if heavy else 0)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert all(name in result.stdout for name in COMMANDS)


def test_every_command_has_its_help_without_any_extra() -> None:
    extras = ("psycopg", "procrastinate", "cryptography", "apprise", "mcp", "joserfc", "onnxruntime")
    code = f"import sys; sys.modules |= dict.fromkeys({extras!r})\n"
    code += "from click.testing import CliRunner\nimport digest.cli as c\n"
    code += "for name in c.COMMANDS: CliRunner().invoke(c.digest, [name, '--help'], catch_exceptions=False)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_planning_and_sending_import_nothing_that_only_others_need() -> None:
    """Memory and start-up of a run that reads no source: on SQLite, without a terminal."""
    code = "import sys, digest.cli.common, digest.pipeline.plan, digest.delivery.sender\n"
    others = {"scipy", "httpx", "lxml", "bs4", "rich", "alembic", "sqlalchemy.dialects.postgresql"}
    code += f"sys.exit(', '.join({others!r} & {{*sys.modules}}) or 0)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stderr.strip() == ""
    assert result.returncode == 0


def test_unknown_command_is_a_usage_error(shell: Shell) -> None:
    result = shell("fech")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_fetch_prints_plain_lines_in_a_pipe_and_json_for_programs(shell: Shell) -> None:
    table = shell("fetch", "--source", "huggingface", "--now", NOW)
    assert table.stdout.splitlines()[0].split("\t")[:3] == ["source", "scope", "health"]
    rows = json.loads(shell("fetch", "--source", "huggingface", "--now", NOW, "--json").stdout)
    assert rows[0]["source"] == "huggingface"
    assert rows[0]["new"] == 0


def test_unreachable_source_is_reported_with_exit_code_1(shell: Shell, tmp_path: Path) -> None:
    result = Shell(tmp_path, "http://127.0.0.1:9")("fetch", "--source", "hackernews", "--now", NOW)
    assert result.returncode == 1
    assert "failed" in result.stdout
    assert "Traceback" not in result.stderr
    assert result.stderr.endswith("See: digest doctor\n")


def test_papers_are_found_by_their_words(shell: Shell) -> None:
    papers = [
        json.loads(line) for line in shell("papers", "robots", "--json", "--now", NOW).stdout.splitlines()
    ]
    assert papers
    assert {"id", "title", "signals", "health", "first_seen"} <= papers[0].keys()
    assert all(datetime.fromisoformat(paper["first_seen"]).tzinfo for paper in papers)
    assert all("robot" in (paper["title"] + paper["abstract"]).casefold() for paper in papers)
    assert re.fullmatch(r"None of the \d+ papers fits\.\n", shell("papers", "xyzzy", "--now", NOW).stderr)


def test_preview_equals_the_sent_mail(shell: Shell) -> None:
    preview = shell("preview", "ada@example.com", "--format", "eml", "--out", "preview.eml", "--now", NOW)
    assert preview.returncode == 0, preview.stderr
    assert "Nobody" not in shell("send", "--now", LATER).stdout
    (mail,) = (shell.folder / "outbox").glob("d.*.eml")
    assert mail.read_bytes() == (shell.folder / "preview.eml").read_bytes()
    repeated = shell("send", "--now", LATER, "--json")
    assert json.loads(repeated.stdout)["sent"] == 0
    assert repeated.returncode == 0


def test_no_other_user_can_read_a_file_with_addresses_or_links(shell: Shell) -> None:
    (shell.folder / "people.csv").write_text("email\nnobody\n")
    shell("subscribers", "import", "people.csv", "--report", "report.csv")
    assert shell("subscribers", "export", "--out", "export.csv").returncode == 0
    assert shell("preview", "ada@example.com", "--out", "ada.html", "--now", NOW).returncode == 0
    assert shell("send", "--now", LATER).returncode == 0
    assert shell("db", "backup", "private.sqlite3").returncode == 0
    names = ["report.csv", "export.csv", "ada.html", "private.sqlite3", "outbox", "digest.sqlite3.key"]
    files = [*(shell.folder / name for name in names), *(shell.folder / "outbox").iterdir()]
    files += shell.folder.glob("digest.sqlite3*")
    assert [file.name for file in files if file.stat().st_mode & 0o077] == []
    assert not any("@" in file.name for file in files)


def test_subscribers_are_listed_and_exported_by_tag(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "http://127.0.0.1:9")
    (tmp_path / "people.csv").write_text("email,tags\nada@example.com,lab\nbob@example.com,other\n")
    assert shell("subscribers", "import", "people.csv").returncode == 0
    for command in ("list", "export"):
        listed = shell("subscribers", command, "--tag", "lab").stdout
        assert "ada@example.com" in listed
        assert "bob@example.com" not in listed


def test_addresses_of_a_file_are_suppressed(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "http://127.0.0.1:9")
    assert shell("subscribers", "add", "ada@example.com", "--confirmed").returncode == 0
    (tmp_path / "never.txt").write_text("ada@example.com\nbob@example.com\n")
    tried = shell("subscribers", "suppress", "--file", "never.txt", "--dry-run")
    assert "nothing was written" in tried.stderr
    assert "confirmed" in shell("subscribers", "show", "ada@example.com").stdout
    assert shell("subscribers", "suppress", "--file", "never.txt").stdout == tried.stdout
    assert "unsubscribed" in shell("subscribers", "show", "ada@example.com").stdout
    assert shell("subscribers", "unsuppress", "bob@example.com").stdout.endswith("once it confirms.\n")
    lifted = shell("subscribers", "unsuppress", "ada@example.com").stdout
    assert lifted.endswith("the subscription is confirmed, as before.\n")
    (tmp_path / "never.txt").write_text("ada@example.com\nnobody\n")
    assert shell("subscribers", "suppress", "--file", "never.txt").returncode == 1
    for wrong in ((), ("ada@example.com", "--file", "never.txt"), ("ada@example.com", "--dry-run")):
        assert shell("subscribers", "suppress", *wrong).returncode == 2


def test_preview_of_an_unknown_address_fails_before_fetching(tmp_path: Path) -> None:
    result = Shell(tmp_path, "http://127.0.0.1:9")("preview", "nobody@example.com")
    assert result.returncode == 1
    assert result.stderr == "digest: This address is not subscribed.\n"


def test_first_preview_without_a_network_fails_fast(tmp_path: Path) -> None:
    alone = Shell(tmp_path, "http://127.0.0.1:9")
    started = time.monotonic()
    result = alone("preview", HTTPS_PROXY="http://127.0.0.1:9")
    assert time.monotonic() - started < 10
    assert result.returncode == 1
    assert result.stderr.splitlines()[0].startswith("No papers yet: reading the sources")
    assert "digest demo" in result.stderr.splitlines()[-1]


def test_run_without_a_terminal_logs_one_canonical_line(shell: Shell) -> None:
    for command in ("run", "send"):
        result = shell(command, "--now", "2026-11-19T06:31:00Z")
        (line,) = [line for line in result.stderr.splitlines() if line.startswith("{")]
        parsed = json.loads(line)
        assert parsed["event"] == "run"
        assert {"fetched", "new", "due", "planned", "sent", "failed", "seconds"} <= parsed.keys()


def test_preview_takes_interests_and_every_format(shell: Shell) -> None:
    for output_format, marker in (
        ("text", "PICKED FOR YOU"),
        ("html", "<!doctype html>"),
        ("eml", "Message-ID:"),
    ):
        result = shell(
            "preview", "--interests", "robot manipulation", "--format", output_format, "--now", NOW
        )
        assert marker in result.stdout, result.stderr
    parsed = json.loads(shell("preview", "--interests", "robots", "--format", "json", "--now", NOW).stdout)
    assert {"paper", "title", "section", "reason"} <= parsed["picks"][0].keys()


def test_preview_as_of_today_equals_the_default_preview(shell: Shell) -> None:
    undated = shell("preview", "--now", LATER)
    assert shell("preview", "--as-of", LATER[:10], "--now", LATER).stdout == undated.stdout != ""


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "tomorrow"])
def test_invalid_or_extreme_time_is_a_usage_error(shell: Shell, moment: str) -> None:
    result = shell("trending", "--now", moment)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "liked", ['{"title": "Robots that fold towels"}', "Robots that learn to fold towels\n"]
)
def test_preview_takes_liked_papers_as_json_lines_or_titles(shell: Shell, liked: str) -> None:
    (shell.folder / "liked").write_text(liked)
    parsed = json.loads(shell("preview", "--like", "liked", "--format", "json", "--now", NOW).stdout)
    assert "picked" in {pick["section"] for pick in parsed["picks"]}


@pytest.mark.parametrize("liked", ["", "nothing", "{broken", '{"name": "x"}'])
def test_library_file_without_papers_is_a_usage_error(shell: Shell, liked: str) -> None:
    (shell.folder / "liked").write_text(liked)
    result = shell("preview", "--like", "liked", "--now", NOW)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_preview_of_an_unknown_address_fails_after_fetching(shell: Shell) -> None:
    result = shell("preview", "nobody@example.com", "--now", NOW)
    assert result.returncode == 1
    assert result.stderr.strip() == "digest: This address is not subscribed."


def test_subscribers_are_added_shown_changed_and_erased(shell: Shell) -> None:
    added = shell("subscribers", "add", "bo@example.com", "--timezone", "Europe/Berlin")
    assert added.stdout.endswith("; `digest serve` or the next `digest run` asks them to confirm.\n")
    asked = shell("subscribers", "reconfirm", "bo@example.com", "--now", "2030-01-01T00:00:00Z")
    assert asked.stdout == "`digest serve` or the next `digest run` asks bo@example.com to confirm.\n"
    parsed = json.loads(shell("subscribers", "show", "bo@example.com", "--json").stdout)
    assert {"email", "status", "profile", "frequency", "timezone", "send_at"} <= parsed.keys()
    assert parsed["status"] == "unconfirmed"
    shown = shell("subscribers", "show", "bo@example.com").stdout
    assert "timezone\tEurope/Berlin\n" in shown
    assert not {"weekday", "feed_revision"} & {line.split("\t")[0] for line in shown.splitlines()}
    changed = shell(
        "subscribers", "set", "bo@example.com", "--keywords", "optics, lasers", "--send-at", "06:15", "--json"
    )
    parsed = json.loads(changed.stdout)
    assert parsed["profile"]["keywords"] == ["optics", "lasers"]
    assert parsed["send_at"] == "06:15"
    assert (
        "Would erase bo@example.com" in shell("subscribers", "remove", "bo@example.com", "--dry-run").stdout
    )
    assert shell("subscribers", "remove", "bo@example.com", "--yes").returncode == 0
    assert shell("subscribers", "show", "bo@example.com").returncode == 1


@pytest.mark.parametrize(
    ("args", "message", "code"),
    [
        (["subscribers", "add", "not an address"], "address", 2),
        (["subscribers", "add", "x@example.com", "--timezone", "Middle/Earth"], "Europe/Berlin", 2),
        (
            ["subscribers", "add", "ada@example.com"],
            "already",
            1,
        ),  # valid, but not now
        (["subscribers", "reconfirm", "ada@example.com"], "only the unconfirmed", 1),
        (["explain", "ada@example.com", "nonsense"], "2611.01234", 2),
        (["explain", "ada@example.com", "2601.99999"], "2601.99999", 1),
    ],
)
def test_refused_requests_exit_with_1_and_invalid_ones_with_2(
    shell: Shell, args: list[str], message: str, code: int
) -> None:
    result = shell(*args)
    assert result.returncode == code
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "args",
    [
        ["papers", "--since", "yesterday"],
        ["preview", "--as-of", "2026-02-30"],
        ["subscribers", "pause", "ada@example.com", "--until", "soon"],
    ],
)
def test_invalid_day_is_a_usage_error_with_an_example(shell: Shell, args: list[str]) -> None:
    result = shell(*args)
    assert result.returncode == 2
    assert "write one like 2026-11-23" in result.stderr


def test_unknown_source_is_a_usage_error_that_lists_the_sources(shell: Shell) -> None:
    result = shell("fetch", "--source", "arxive")
    assert result.returncode == 2
    assert "'arxiv'" in result.stderr


def test_json_times_are_iso_8601(shell: Shell) -> None:
    status = json.loads(shell("status", "--now", NOW, "--json").stdout)
    read_at = [source["read_at"] for source in status["sources"]]
    assert all(text.endswith("+00:00") and text[10] == "T" for text in [*read_at, status["now"]])


def test_test_mail_with_json_prints_one_document(shell: Shell) -> None:
    sent = shell("send", "--to", "bo@example.com", "--now", NOW, "--json")
    report = json.loads(sent.stdout)
    assert report.keys() == {"to", "route", "reply", "outbox"}
    assert Path(report["reply"].removeprefix("2.0.0 written to ")).name.endswith(".eml")
    said = shell("send", "--to", "bo@example.com", "--now", NOW).stdout
    assert said.startswith("Not sent, as no mail server is set: written to ")
    checks = shell("doctor", "--offline", "--send", "bo@example.com", "--now", NOW, "--json")
    assert {"OK", "WARN", "FAIL"} >= {finding["verdict"] for finding in json.loads(checks.stdout)}


def test_explain_repeats_the_reason_of_the_sent_mail(shell: Shell) -> None:
    shell("send", "--now", LATER)
    parsed = shell("preview", "ada@example.com", "--as-of", "2026-11-19", "--format", "json", "--now", LATER)
    first = json.loads(parsed.stdout)["picks"][0]
    lines = shell("explain", "ada@example.com", first["paper"], "--now", LATER).stdout.splitlines()
    assert lines[1] == f"It was in the digest of 2026-11-19: {first['reason']}."
    assert lines[2].startswith("Interest: ")
    assert lines[3].startswith("Heat: ")


def test_explain_tells_what_liked_papers_make_of_a_probability(shell: Shell) -> None:
    (shell.folder / "library").write_text("Robots that learn to fold towels\n")
    shell("subscribers", "add", "lib@example.com", "--like", "library", "--confirmed", "--now", NOW)
    edition = json.loads(shell("preview", "lib@example.com", "--format", "json", "--now", NOW).stdout)
    paper = next(pick["paper"] for pick in edition["picks"] if pick["section"] == "picked")
    parsed = json.loads(shell("explain", "lib@example.com", paper, "--json", "--now", NOW).stdout)
    values = parsed["features"]["liked papers"]
    assert parsed["probability"] == pytest.approx(1 / (1 + math.exp(-values["logit"])), abs=1e-3)
    shown = shell("explain", "lib@example.com", paper, "--now", NOW).stdout
    assert f"  liked papers: nearness {values['nearness']:.2f}" in shown
    shell("subscribers", "remove", "lib@example.com", "--yes", "--now", NOW)


def test_a_wrong_setting_is_exit_code_78(shell: Shell) -> None:
    result = shell("status", DIGEST_DATABASE_URL="mysql://x")
    assert result.returncode == 78
    assert "sqlite" in result.stderr


def test_status_prints_text_and_json(shell: Shell) -> None:
    assert "Subscribers: 1 confirmed" in shell("status", "--now", NOW).stdout
    parsed = json.loads(shell("status", "--now", NOW, "--json").stdout)
    assert {"last_tick", "sources", "queue", "subscribers", "next_due", "heard_24_hours"} <= parsed.keys()


def test_restored_backup_is_paused_until_resumed(shell: Shell) -> None:
    assert shell("db", "backup", "copy.sqlite3").returncode == 0
    assert "restored" in shell("db", "restore", "copy.sqlite3", "--yes").stdout
    assert shell("status").stdout.partition("\n")[0].count("digest db resume") == 1
    assert "PAUSED" in shell("status").stdout
    for command in (("send",), ("send", "--dry-run"), ("send", "--now", LATER)):
        paused = shell(*command)
        assert paused.returncode == 0  # nothing failed
        assert "restored from a backup, found on 20" in paused.stdout
        assert "digest db resume" in paused.stdout
    assert shell("db", "resume").returncode == 0
    assert "PAUSED" not in shell("status").stdout


def test_second_sender_exits_with_75(shell: Shell) -> None:
    store = import_module("digest.db").Database.open(f"sqlite:///{shell.folder}/digest.sqlite3")
    with store.lock_sender():
        result = shell("send", "--now", LATER)
    store.close()
    assert result.returncode == 75
    assert "Traceback" not in result.stderr


def test_suppressed_addresses_stay_so_under_another_key(shell: Shell) -> None:
    address = "gone@example.org"
    assert shell("status").returncode == 0
    (shell.folder / "digest.sqlite3.key").unlink()  # nobody is suppressed under it
    assert shell("subscribers", "suppress", address).returncode == 0
    key = shell.folder / "digest.sqlite3.key"
    lost = key.read_text()
    key.unlink()
    for command in (("subscribers", "add", address), ("send",)):
        refused = shell(*command)
        assert refused.returncode == 78
        assert "1 address is suppressed under another secret key" in refused.stderr
    assert "FAIL\tsecret key" in shell("doctor", "--offline").stdout
    assert shell("status").returncode == 0
    rotated = shell("subscribers", "add", address, DIGEST_OLD_SECRET_KEYS=lost)
    assert "suppressed" in rotated.stderr
    assert shell("db", "resume", "--new-key").returncode == 0
    assert shell("subscribers", "add", address).returncode == 0
