"""What do readers mean, in numbers? Kept from one day to the next, made anew when a profile changed."""

from collections.abc import Sequence

from digest.db import Database
from digest.db.embeddings import KeptOutline
from digest.models import Subscriber
from digest.ranking.profile_encoder import fingerprint
from digest.ranking.profile_vectors import FORM, ProfileVectors, packed, unpacked
from digest.ranking.ranker import Ranker


def outlines_of(store: Database, readers: Sequence[Subscriber], *, model: str) -> list[ProfileVectors | None]:
    """The kept outlines of these readers, in their order; None where a profile changed, or the model."""
    with store.begin(write=False) as tx:
        kept = tx.vectors.outlines([reader.id for reader in readers])
    return [_if_valid(kept.get(reader.id), reader, model) for reader in readers]


def keep_outlines(
    store: Database,
    readers: Sequence[Subscriber],
    known: Sequence[ProfileVectors | None],
    ranker: Ranker,
    *,
    model: str,
) -> list[ProfileVectors]:
    """All outlines: the missing ones are made now, and kept."""
    missing = [reader for reader, outline in zip(readers, known, strict=True) if outline is None]
    made = dict(
        zip((each.id for each in missing), ranker.outlined([e.profile for e in missing]), strict=True)
    )
    rows = {
        reader.id: KeptOutline(reader.profile_revision, _made_by(reader, model), packed(made[reader.id]))
        for reader in missing
    }
    if rows:
        with store.begin() as tx:
            tx.vectors.keep_outlines(rows)
    return [outline or made[reader.id] for reader, outline in zip(readers, known, strict=True)]


def _if_valid(kept: KeptOutline | None, reader: Subscriber, model: str) -> ProfileVectors | None:
    """By what the profile says and not by its revision alone: a preview tries what is not saved yet."""
    return unpacked(kept.outline) if kept and kept.made_by == _made_by(reader, model) else None


def _made_by(reader: Subscriber, model: str) -> str:
    return f"{FORM} {fingerprint(reader.profile):08x} {model}"
