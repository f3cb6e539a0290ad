"""Encoded profiles, stored from one day to the next and encoded again when a profile or the model changes.

Short ones that no model embeds are not stored: to encode them takes no longer than to read what was stored.
"""

from collections.abc import Sequence

from digest.db import Database
from digest.db.embeddings import StoredProfileVectors
from digest.models import Subscriber
from digest.ranking.profile_encoder import compute_fingerprint
from digest.ranking.profile_vectors import FORMAT_VERSION, ProfileVectors, pack_profile, unpack_profile
from digest.ranking.ranker import Ranker

MIN_STORED_TERMS = 100  # of a profile that no model embeds: about those of a paragraph


def load_profile_vectors(
    store: Database, readers: Sequence[Subscriber], *, model: str
) -> list[ProfileVectors | None]:
    """Return the stored vectors of these readers, in their order; None where the profile or model changed."""
    with store.begin(write=False) as tx:
        stored = tx.vectors.get_profile_vectors([reader.id for reader in readers])
    return [_unpack_if_valid(stored.get(reader.id), reader, model) for reader in readers]


def complete_profile_vectors(
    store: Database,
    readers: Sequence[Subscriber],
    existing: Sequence[ProfileVectors | None],
    ranker: Ranker,
    *,
    model: str,
) -> list[ProfileVectors]:
    """Return the vectors of all *readers*; encode and store those that are None in *existing*."""
    missing = [reader for reader, vectors in zip(readers, existing, strict=True) if vectors is None]
    encoded = ranker.encode_profiles([reader.profile for reader in missing])
    new = {reader.id: vectors for reader, vectors in zip(missing, encoded, strict=True)}
    rows = {
        reader.id: StoredProfileVectors(_get_encoding(reader, model), pack_profile(new[reader.id]))
        for reader in missing
        if model or len(new[reader.id].term_ids) >= MIN_STORED_TERMS
    }
    if rows:
        with store.begin() as tx:
            tx.vectors.save_profile_vectors(rows)
    return [vectors or new[reader.id] for reader, vectors in zip(readers, existing, strict=True)]


def _unpack_if_valid(
    stored: StoredProfileVectors | None, reader: Subscriber, model: str
) -> ProfileVectors | None:
    # By the profile's content and not by its revision alone: a preview ranks profiles that are not saved yet.
    is_valid = stored is not None and stored.made_by == _get_encoding(reader, model)
    return unpack_profile(stored.packed) if stored and is_valid else None


def _get_encoding(reader: Subscriber, model: str) -> str:
    """Return what the vectors depend on: format version, profile content and model."""
    return f"{FORMAT_VERSION} {compute_fingerprint(reader.profile):08x} {model}"
