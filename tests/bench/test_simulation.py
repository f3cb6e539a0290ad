"""Simulation of a month: a quick run keeps every guarantee, and every kind of fault is noticed."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from bench.simulation import charts
from bench.simulation.__main__ import main
from bench.simulation.feedback import choose_link
from bench.simulation.findings import Guarantee, check_guarantees, check_learning, find_repeats, score_weeks
from bench.simulation.inboxes import DigestItem, DigestMail
from bench.simulation.interest_model import TopicSpace, extract_terms, find_topics
from bench.simulation.month import Month, guess_categories, load_sample_month
from bench.simulation.ranking_scores import ndcg
from bench.simulation.readers import Reader, create_readers
from bench.simulation.record import Arrival, Crash, RankingScore, Record
from bench.simulation.upstreams import Outage
from digest.models import Frequency, Schedule
from digest.models.schedule import get_slot, parse_time
from digest.tools.evaluation.replay import Estimate

WEEKEND_REASON = "nothing new: weekend"


@pytest.fixture(scope="module")
def month() -> Month:
    return load_sample_month()


@pytest.fixture(scope="module")
def readers(month: Month) -> list[Reader]:
    return create_readers(month, 4)


@pytest.fixture
def record(month: Month, readers: list[Reader]) -> Record:
    """Return the record of a week without a fault: every mail of every reader at its slot."""
    record = Record()
    for reader in readers:
        for day in month.dates:
            schedule = Schedule(
                timezone=str(reader.settings["timezone"]),
                send_at=parse_time(str(reader.settings["send_at"])),
                frequency=Frequency(str(reader.settings["frequency"])),
            )
            if slot := get_slot(schedule, day):
                mail = make_mail(f"2611.{reader.number}{day.day:02d}01", address=reader.address)
                record.arrivals.append(Arrival(reader=reader.number, at=slot, slot=slot, mail=mail))
    return record


def make_mail(*papers: str, address: str = "reader@readers.example", words: int = 300) -> DigestMail:
    items = tuple(
        DigestItem(paper=paper, title=f"On the Paper {paper}", section="picked") for paper in papers
    )
    return DigestMail(
        id=f"<{address}{papers}>", address=address, subject="", text="sheep " * words, items=items
    )


def test_quick_run_keeps_every_guarantee(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
    output = capsys.readouterr().out
    assert "BROKEN" not in output
    assert "7 days, 10 readers" in output
    assert "2 kills" in output
    assert "reaches nobody twice: 200 sign-ups" in output
    assert WEEKEND_REASON in output


def test_week_without_fault_keeps_every_guarantee(
    month: Month, readers: list[Reader], record: Record
) -> None:
    assert [
        guarantee.text for guarantee in check_guarantees(month, readers, record) if not guarantee.holds
    ] == []


@pytest.mark.parametrize(
    ("fault", "guarantee"),
    [
        ("twice", "No paper is sent twice"),
        ("lost", "Every day without an email"),
        ("late", "Emails are sent at"),
        ("long", "A digest can be read"),
        ("copied", "A crash loses nothing"),
        ("stray", "No email to readers"),
    ],
)
def test_every_fault_breaks_its_guarantee(
    month: Month, readers: list[Reader], record: Record, fault: str, guarantee: str
) -> None:
    first = record.arrivals[0]
    match fault:
        case "twice":
            record.arrivals[1] = replace(record.arrivals[1], mail=make_mail(first.mail.items[0].paper))
        case "lost":
            del record.arrivals[0]
        case "late":
            record.arrivals[0] = replace(first, at=first.at + timedelta(hours=2))
        case "long":
            record.arrivals = [
                replace(arrival, mail=replace(arrival.mail, text="w " * 1200)) for arrival in record.arrivals
            ]
        case "copied":
            record.duplicates = [first] * 5
            record.crashes = [Crash(first.at, "taken")]
        case "stray":
            record.unwanted = ["gone@readers.example"]
    broken = [guarantee.text for guarantee in check_guarantees(month, readers, record) if not guarantee.holds]
    assert len(broken) == 1
    assert broken[0].startswith(guarantee)


def test_find_repeats_matches_by_title_and_by_number(record: Record) -> None:
    first, second = record.arrivals[:2]
    twin = replace(first.mail.items[0], paper="2611.99999")
    record.arrivals[1] = replace(second, mail=replace(second.mail, items=(twin,)))
    assert find_repeats(record)
    record.resent = {(first.reader, twin.paper), (first.reader, first.mail.items[0].paper)}
    assert not find_repeats(record)


def test_learning_holds_only_where_the_interval_shows_it(month: Month, readers: list[Reader]) -> None:
    def check(*gains: float) -> list[Guarantee]:
        record = Record()
        for index, day in enumerate((month.dates[0], month.dates[-1])):
            record.ranking_scores += [
                RankingScore(reader=reader.number, day=day, learnt=0.3 + gains[index], typed=0.3)
                for reader in readers
                if reader.gives_feedback
            ]
        long = replace(month, days=14, first=month.first)
        late = [
            replace(score, day=score.day + timedelta(days=7 * (score.day != month.first)))
            for score in record.ranking_scores
        ]
        return check_learning(score_weeks(long, readers, replace(record, ranking_scores=late)))

    assert [guarantee.holds for guarantee in check(0.1, 0.2)] == [True, True]
    assert [guarantee.holds for guarantee in check(0.2, 0.1)] == [True, False]
    assert [guarantee.holds for guarantee in check(0.1, 0.0)] == [False, False]


def test_ndcg_averages_ties() -> None:
    is_liked = np.array([True, False, False, False])
    assert ndcg(np.array([3, 2, 1, 0], np.float32), is_liked) == 1
    assert ndcg(np.array([0, 1, 2, 3], np.float32), is_liked) == pytest.approx(1 / np.log2(5))
    assert 0.6 < ndcg(np.zeros(4, np.float32), is_liked) < 0.7


def test_a_reader_clicks_only_on_what_the_hidden_rule_decided(readers: list[Reader]) -> None:
    keen = next(reader for reader in readers if reader.habit.name == "keen")
    links = [
        choose_link(keen, DigestItem(paper=paper, title="", section="trending", more="more", less="less"))
        for paper in sorted(keen.likes)
    ]
    assert set(links) <= {"more", ""}
    disliked = DigestItem(paper="0000.00000", title="", section="trending", more="more", less="less")
    assert choose_link(keen, disliked) == ""
    silent = replace(keen, habit=replace(keen.habit, more=0.0, less=0.0))
    assert not any(
        choose_link(silent, DigestItem(paper=paper, title="", section="picked", more="m"))
        for paper in keen.likes
    )


def test_find_topics_separates_topics_by_their_papers() -> None:
    rng = random.Random(1)  # noqa: S311  it only has to be repeatable
    topic_words = {"video editing": ("frame", "motion", "clip"), "robot arms": ("grasp", "joint", "torque")}
    texts = [f"nothing of the kind {number}" for number in range(200)]
    for topic, words in topic_words.items():
        texts += [f"{topic} {' '.join(rng.choices(words, k=6))}." for _ in range(8)]
    space = TopicSpace(texts)
    video, robots = find_topics(texts, ["video editing", "video", "robot arms"], space, number=3)
    assert (video.name, robots.name) == ("video editing", "robot arms")
    clip_vector, torque_vector = (
        space.sense(extract_terms(text)) for text in ("cut a clip in motion", "a joint with torque")
    )
    assert video.similarity(clip_vector) > video.similarity(torque_vector) + 0.3
    assert robots.similarity(torque_vector) > robots.similarity(clip_vector) + 0.3


def test_guess_categories_follows_the_words() -> None:
    assert (
        guess_categories("Robot manipulation: a robot grasps with a camera image, image by image")[0]
        == "cs.RO"
    )
    assert guess_categories("Nothing to say") == ("cs.LG",)


def test_outage_affects_only_its_service_on_its_days() -> None:
    outage = Outage("votes", frozenset({date(2026, 3, 9)}), ("/api/daily_papers",))
    noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    assert outage.affects("/api/daily_papers", noon)
    assert not outage.affects("/oai", noon)
    assert not outage.affects("/api/daily_papers", noon + timedelta(days=1))


def test_charts_are_valid_svg_without_external_resources() -> None:
    estimates = [Estimate(0.1 * n, 0.1 * n - 0.02, 0.1 * n + 0.02) for n in range(1, 5)]
    days = {date(2026, 3, 1) + timedelta(days=n): n for n in range(30)}
    svgs = (
        charts.draw_by_week("A & B", "<note>", [charts.Series("with", "one", estimates)]),
        charts.draw_by_day("Mails", "note", days, {date(2026, 3, 3): "†"}, [date(2026, 3, 1)]),
        charts.draw_histogram("Minutes", "note", [1.2, 2.4, 5.5], width=0.25, limit=5),
        charts.draw_votes("Votes", "note", [("sent", "one", [3, 50, 200]), ("not", "other", [0, 1, 5])]),
    )
    for svg in svgs:
        root = ET.fromstring(svg)  # noqa: S314  our own
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "prefers-color-scheme: dark" in svg
        assert "href" not in svg
        assert "url(" not in svg
