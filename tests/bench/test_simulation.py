"""Does a week with the product hold what is promised, and would the simulation notice if it did not?"""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from bench.simulation import charts
from bench.simulation.__main__ import main
from bench.simulation.findings import Promise, learning, promises, repeats, weeks
from bench.simulation.letterbox import Item, Mail
from bench.simulation.month import Month, invented
from bench.simulation.readers import Reader, readers_of
from bench.simulation.reading import verdict
from bench.simulation.record import Arrival, Death, Record, Trial
from bench.simulation.shelves import shelves_of
from bench.simulation.taste import Space, terms_of, topics_in
from bench.simulation.trial import ndcg
from bench.simulation.world import Outage
from digest.models import Frequency, Schedule
from digest.models.schedule import parse_time, slot_on
from digest.tools.evaluation.replay import Estimate

SILENT = "nothing new: weekend"


@pytest.fixture(scope="module")
def month() -> Month:
    return invented()


@pytest.fixture(scope="module")
def readers(month: Month) -> list[Reader]:
    return readers_of(month, 4)


@pytest.fixture
def record(month: Month, readers: list[Reader]) -> Record:
    """A week without a fault: every reader's every mail, on the minute."""
    record = Record()
    for reader in readers:
        for day in month.dates:
            rule = Schedule(
                timezone=str(reader.wishes["timezone"]),
                send_at=parse_time(str(reader.wishes["send_at"])),
                frequency=Frequency(str(reader.wishes["frequency"])),
            )
            if slot := slot_on(rule, day):
                mail = mail_with(f"2611.{reader.number}{day.day:02d}01", address=reader.address)
                record.arrivals.append(Arrival(reader=reader.number, at=slot, slot=slot, mail=mail))
    return record


def mail_with(*papers: str, address: str = "reader@readers.example", words: int = 300) -> Mail:
    items = tuple(Item(paper=each, title=f"On the Paper {each}", section="picked") for each in papers)
    return Mail(id=f"<{address}{papers}>", address=address, subject="", text="sheep " * words, items=items)


def test_a_week_with_ten_readers_keeps_every_promise(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
    said = capsys.readouterr().out
    assert "BROKEN" not in said
    assert "7 days, 10 readers" in said
    assert "2 kills" in said
    assert SILENT in said


def test_a_week_without_a_fault_keeps_every_promise(
    month: Month, readers: list[Reader], record: Record
) -> None:
    assert [each.text for each in promises(month, readers, record) if not each.holds] == []


@pytest.mark.parametrize(
    ("fault", "promise"),
    [
        ("twice", "No paper comes twice"),
        ("lost", "No silent day"),
        ("late", "Mail comes at"),
        ("long", "A digest fits"),
        ("copied", "A crash loses nothing"),
        ("stray", "Nobody is written to"),
    ],
)
def test_every_fault_breaks_its_promise(
    month: Month, readers: list[Reader], record: Record, fault: str, promise: str
) -> None:
    first = record.arrivals[0]
    match fault:
        case "twice":
            record.arrivals[1] = replace(record.arrivals[1], mail=mail_with(first.mail.items[0].paper))
        case "lost":
            del record.arrivals[0]
        case "late":
            record.arrivals[0] = replace(first, at=first.at + timedelta(hours=2))
        case "long":
            record.arrivals = [
                replace(each, mail=replace(each.mail, text="w " * 1200)) for each in record.arrivals
            ]
        case "copied":
            record.copies = [first] * 5
            record.deaths = [Death(first.at, "taken")]
        case "stray":
            record.strays = ["gone@readers.example"]
    broken = [each.text for each in promises(month, readers, record) if not each.holds]
    assert len(broken) == 1
    assert broken[0].startswith(promise)


def test_a_paper_under_another_title_or_number_is_still_the_same(record: Record) -> None:
    first, second = record.arrivals[:2]
    twin = replace(first.mail.items[0], paper="2611.99999")
    record.arrivals[1] = replace(second, mail=replace(second.mail, items=(twin,)))
    assert repeats(record)
    record.resent = {(first.reader, twin.paper), (first.reader, first.mail.items[0].paper)}
    assert not repeats(record)


def test_learning_is_only_said_where_the_interval_says_so(month: Month, readers: list[Reader]) -> None:
    def held(*gains: float) -> list[Promise]:
        record = Record()
        for place, day in enumerate((month.dates[0], month.dates[-1])):
            record.trials += [
                Trial(reader=reader.number, day=day, learnt=0.3 + gains[place], typed=0.3)
                for reader in readers
                if reader.speaks
            ]
        long = replace(month, days=14, first=month.first)
        late = [
            replace(each, day=each.day + timedelta(days=7 * (each.day != month.first)))
            for each in record.trials
        ]
        return learning(weeks(long, readers, replace(record, trials=late)))

    assert [each.holds for each in held(0.1, 0.2)] == [True, True]
    assert [each.holds for each in held(0.2, 0.1)] == [True, False]
    assert [each.holds for each in held(0.1, 0.0)] == [False, False]


def test_ties_in_an_order_count_their_average() -> None:
    wanted = np.array([True, False, False, False])
    assert ndcg(np.array([3, 2, 1, 0], np.float32), wanted) == 1
    assert ndcg(np.array([0, 1, 2, 3], np.float32), wanted) == pytest.approx(1 / np.log2(5))
    assert 0.6 < ndcg(np.zeros(4, np.float32), wanted) < 0.7


def test_a_reader_clicks_only_on_what_the_hidden_rule_decided(readers: list[Reader]) -> None:
    keen = next(reader for reader in readers if reader.manner.name == "keen")
    links = [
        verdict(keen, Item(paper=each, title="", section="trending", more="more", less="less"))
        for each in sorted(keen.likes)
    ]
    assert set(links) <= {"more", ""}
    unloved = Item(paper="0000.00000", title="", section="trending", more="more", less="less")
    assert verdict(keen, unloved) == ""
    silent = replace(keen, manner=replace(keen.manner, more=0.0, less=0.0))
    assert not any(verdict(silent, Item(paper=p, title="", section="picked", more="m")) for p in keen.likes)


def test_topics_are_told_apart_by_their_papers() -> None:
    chance = random.Random(1)  # noqa: S311  it only has to be repeatable
    themes = {"video editing": ("frame", "motion", "clip"), "robot arms": ("grasp", "joint", "torque")}
    texts = [f"nothing of the kind {number}" for number in range(200)]
    for topic, words in themes.items():
        texts += [f"{topic} {' '.join(chance.choices(words, k=6))}." for _ in range(8)]
    space = Space(texts)
    one, other = topics_in(texts, ["video editing", "video", "robot arms"], space, number=3)
    assert (one.name, other.name) == ("video editing", "robot arms")
    cutting, grasping = (
        space.sense(terms_of(text)) for text in ("cut a clip in motion", "a joint with torque")
    )
    assert one.strength(cutting) > one.strength(grasping) + 0.3
    assert other.strength(grasping) > other.strength(cutting) + 0.3


def test_shelves_follow_the_words() -> None:
    assert shelves_of("Robot manipulation: a robot grasps with a camera image, image by image")[0] == "cs.RO"
    assert shelves_of("Nothing to say") == ("cs.LG",)


def test_an_outage_strikes_its_service_on_its_days_alone() -> None:
    outage = Outage("votes", frozenset({date(2026, 3, 9)}), ("/api/daily_papers",))
    noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    assert outage.strikes("/api/daily_papers", noon)
    assert not outage.strikes("/oai", noon)
    assert not outage.strikes("/api/daily_papers", noon + timedelta(days=1))


def test_pictures_are_sound_and_load_nothing() -> None:
    rising = [Estimate(0.1 * n, 0.1 * n - 0.02, 0.1 * n + 0.02) for n in range(1, 5)]
    days = {date(2026, 3, 1) + timedelta(days=n): n for n in range(30)}
    drawn = (
        charts.by_week("A & B", "<note>", [charts.Series("with", "one", rising)]),
        charts.by_day("Mails", "note", days, {date(2026, 3, 3): "†"}, [date(2026, 3, 1)]),
        charts.histogram("Minutes", "note", [1.2, 2.4, 5.5], width=0.25, limit=5),
        charts.votes("Votes", "note", [("sent", "one", [3, 50, 200]), ("not", "other", [0, 1, 5])]),
    )
    for picture in drawn:
        root = ET.fromstring(picture)  # noqa: S314  our own
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "prefers-color-scheme: dark" in picture
        assert "href" not in picture
        assert "url(" not in picture
