"""The papers of an export: single ones, those of a digest, or those that a reader saved."""

from collections.abc import Iterable, Sequence
from datetime import date

from digest.db import Database, Transaction
from digest.models import Delivery, DeliveryKind, Paper, Subscriber
from digest.models.citations import Citation
from digest.models.errors import NotFound
from digest.pipeline.edition_payload import get_paper_ids
from digest.pipeline.plan import build_delivery_key
from digest.subscribers.saved_papers import filter_by_tag, to_citations


def load_papers(store: Database, ids: Sequence[str]) -> list[Citation]:
    """Return papers by any of their ids or addresses, each once; raise NotFound for the first unknown one."""
    with store.begin(write=False) as tx:
        found = tx.papers.get_by_ids(ids)
    for name in ids:
        if name not in found:
            raise NotFound("There is no paper %(name)s here.", name=repr(name[:100])).advise(
                command="`digest papers` searches for it.", call="GET /api/v1/papers?q= searches for it."
            )
    return _cite(found[name] for name in ids)


def load_digest(store: Database, reader: Subscriber, day: date | None = None) -> list[Citation]:
    """Return the papers of a reader's digest of a local day, in its order, as they are known today.

    None means their latest digest. Raises NotFound if there is none, or none any more.
    """
    with store.begin(write=False) as tx:
        digest = _find_digest(tx, reader, day)
        if digest is None or not digest.payload:
            missing = f"There is no digest of {day}, or it is no longer stored."
            raise NotFound(missing if day else "There is no digest yet.")
        ids = get_paper_ids(digest.payload)
        found = tx.papers.get_by_ids(ids)
    return _cite(found[name] for name in ids if name in found)


def load_saved(store: Database, reader: Subscriber, tag: str = "") -> list[Citation]:
    """Return the papers that a reader saved, newest first, with notes and tags; with *tag* only those."""
    with store.begin(write=False) as tx:
        return to_citations(filter_by_tag(tx.saved_papers.list_by_subscriber(reader.id), tag))


def _find_digest(tx: Transaction, reader: Subscriber, day: date | None) -> Delivery | None:
    if day is not None:
        return tx.deliveries.find_by_key(build_delivery_key(reader.id, day))
    mails = tx.deliveries.list_by_subscriber(reader.id)
    return next((mail for mail in mails if mail.kind is DeliveryKind.DIGEST and mail.payload), None)


def _cite(papers: Iterable[Paper]) -> list[Citation]:
    return [Citation(paper) for paper in {paper.id: paper for paper in papers}.values()]
