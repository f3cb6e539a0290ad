"""A store is opened, migrated, locked, copied and put back."""

from digest.store import Store
from tests.house import NOW, paper, signal


def test_what_was_added_is_there(any_store: Store) -> None:
    one, other = paper(), paper("Another Paper About Something Else", authors=("Zoe Zed",))
    with any_store.begin() as tx:
        added = tx.papers.add([one, other], seen_at=NOW)
        tx.signals.observe([signal(one, 3), signal(one, 3)])
        reader = tx.subscribers.add("Ada@Example.com", now=NOW)
    assert added.new == (one.id, other.id)
    with any_store.begin(write=False) as tx:
        assert tx.papers.by_ids([one.id])[one.id].title == one.title
        assert [s.value for s in tx.signals.of([one.id], until=NOW)[one.id]] == [3]
        assert [p.id for p in tx.papers.search("another some")] == [other.id]
        assert tx.subscribers.by_address("ada@EXAMPLE.com") == reader
        assert any_store.differences() == []
