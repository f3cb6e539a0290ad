"""Are papers read once for many mails, and read again when they may have changed?"""

from dataclasses import replace

from digest.letters import FRESH, Pile
from digest.store import Store
from tests.house import NOW, paper


def test_a_paper_is_read_again_after_a_minute(store: Store) -> None:
    one, hour = paper(), [100.0]
    pile = Pile(clock=lambda: hour[0])
    assert pile.of(store, [one.id]) == {}
    with store.begin() as tx:
        tx.papers.add([one], seen_at=NOW)
    assert pile.of(store, [one.id]) == {}
    hour[0] += FRESH + 1
    assert pile.of(store, [one.id])[one.id].title == one.title
    with store.begin() as tx:
        tx.papers.add([replace(one, version=2, withdrawn=True)], seen_at=NOW)
    hour[0] += FRESH + 1
    assert pile.of(store, [one.id])[one.id].withdrawn


def test_only_what_was_asked_for_is_given(store: Store) -> None:
    one, other = paper("One of Many Things"), paper("Another of Many Things")
    with store.begin() as tx:
        tx.papers.add([one, other], seen_at=NOW)
    pile = Pile()
    assert pile.of(store, [one.id, other.id]).keys() == {one.id, other.id}
    assert pile.of(store, [other.id]).keys() == {other.id}
