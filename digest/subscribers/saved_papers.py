"""Papers that a reader saves: added, annotated, removed, exported, and sent to their Zotero library."""

from collections.abc import Sequence
from dataclasses import replace

from digest.db import Transaction
from digest.models import Paper, Subscriber
from digest.models.citations import Citation
from digest.models.errors import InvalidChange, NotFound
from digest.models.saved_papers import (
    MAX_NOTE_CHARS,
    MAX_SAVED_PAPERS,
    SavedPaper,
    ZoteroAccount,
    parse_tags,
)
from digest.models.sealing import Sealer
from digest.subscribers.helpers import Actor


def save_paper(tx: Transaction, reader: Subscriber, paper: Paper, *, actor: Actor) -> bool:
    """Save a paper for a reader, and send it to their Zotero library if they have one.

    Returns False if it is saved already. Raises InvalidChange if they have saved too many.
    """
    if tx.saved_papers.is_saved(reader.id, paper):
        return False
    if tx.saved_papers.count(reader.id) >= MAX_SAVED_PAPERS:
        raise InvalidChange("You have reached the limit of saved papers. Remove some to save more.")
    is_new = tx.saved_papers.add(reader.id, paper, now=actor.now)
    tx.zotero_accounts.schedule(reader.id, actor.now)
    return is_new


def annotate_saved_paper(tx: Transaction, reader: Subscriber, paper: Paper, *, note: str, tags: str) -> None:
    """Replace note and tags (text with commas) of a saved paper.

    Raises:
        InvalidChange: the note is too long.
        NotFound: the paper is not saved.
    """
    note = note.strip().replace("\r\n", "\n")
    if len(note) > MAX_NOTE_CHARS:
        raise InvalidChange("This note is too long: the limit is 2,000 characters.")
    if not tx.saved_papers.annotate(reader.id, paper, note=note, tags=parse_tags(tags)):
        raise NotFound("This paper is not among your saved papers.")


def filter_by_tag(saved: Sequence[SavedPaper], tag: str) -> list[SavedPaper]:
    """Return the saved papers with a tag, in any case; all of them for an empty one."""
    wanted = tag.casefold()
    return [item for item in saved if not wanted or wanted in map(str.casefold, item.tags)]


def to_citations(saved: Sequence[SavedPaper]) -> list[Citation]:
    """Return saved papers with notes and tags, for an export."""
    return [Citation(item.paper, item.note, item.tags) for item in saved]


def connect_zotero(  # noqa: PLR0913  the account, and who acts
    tx: Transaction, reader: Subscriber, library: str, key: str, *, sealer: Sealer, actor: Actor
) -> ZoteroAccount:
    """Send all saved papers to this Zotero library from now on; the key is stored sealed."""
    former = tx.zotero_accounts.find(reader.id)
    if former is None or former.library != library:
        tx.saved_papers.forget_zotero(reader.id)
    account = ZoteroAccount(
        subscriber_id=reader.id,
        library=library,
        sealed_key=sealer.seal(key),
        connected_at=actor.now,
        next_at=actor.now,
    )
    tx.zotero_accounts.save(account)
    actor.write_audit(tx, "connect-zotero", reader.public_id)
    return account


def disconnect_zotero(tx: Transaction, reader: Subscriber, *, actor: Actor) -> None:
    """Delete the key of a reader's Zotero library; the papers there stay."""
    if tx.zotero_accounts.remove(reader.id):
        tx.saved_papers.forget_zotero(reader.id)
        actor.write_audit(tx, "disconnect-zotero", reader.public_id)


def resend_to_zotero(tx: Transaction, reader: Subscriber, *, actor: Actor) -> None:
    """Send all saved papers once more; those that are there already stay as they are there."""
    account = tx.zotero_accounts.find(reader.id)
    if account is None or not account.sealed_key:
        raise InvalidChange("Your Zotero library is not connected.")
    tx.saved_papers.forget_zotero(reader.id)
    tx.zotero_accounts.save(replace(account, next_at=actor.now, attempts=0, problem=""))
