"""Are papers read once for many mails, and read again when they may have changed?"""

from dataclasses import replace

from digest.db import Database
from digest.pipeline.messages import FRESH, Pile
from tests.factories import NOW, paper


def test_a_paper_is_read_again_after_a_minute(store: Database) -> None:
    one, hour = paper(), [100.0]
    pile, told = Pile(clock=lambda: hour[0]), [{"papers": [one.id]}]
    pile.fetch(store, told)
    with store.begin() as tx:
        tx.papers.add([one], seen_at=NOW)
    pile.fetch(store, told)
    assert pile.papers == {}
    hour[0] += FRESH + 1
    pile.fetch(store, told)
    assert pile.papers[one.id].title == one.title
    with store.begin() as tx:
        tx.papers.add([replace(one, version=2, withdrawn=True)], seen_at=NOW)
    hour[0] += FRESH + 1
    pile.fetch(store, told)
    assert pile.papers[one.id].withdrawn


def test_everything_is_read_anew_for_a_new_run(store: Database) -> None:
    one, pile = paper(), Pile()
    pile.fetch(store, [{"papers": [one.id]}])
    with store.begin() as tx:
        tx.papers.add([one], seen_at=NOW)
    pile.drop()
    pile.fetch(store, [{"papers": [one.id]}])
    assert pile.papers.keys() == {one.id}


def test_many_mails_are_read_for_at_once_with_what_they_say_of_heat(store: Database) -> None:
    one, other = paper("One of Many Things"), paper("Another of Many Things")
    with store.begin() as tx:
        tx.papers.add([one, other], seen_at=NOW)
        tx.heats.keep({"hot": "{}", "nobody asks": "{}"}, now=NOW)
    pile = Pile()
    pile.fetch(store, [{"papers": [one.id], "heat": ["hot"]}, {"papers": [other.id], "heat": ["hot"]}])
    assert pile.papers.keys() == {one.id, other.id}
    assert pile.heats == {"hot": "{}"}
