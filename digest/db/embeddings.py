"""Embeddings of papers, by model, and encoded profiles of subscribers."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.prepared import PreparedStatement
from digest.db.tables import MODEL, OUTLINE, PAPER, VECTOR

_CHUNK = 2000  # papers read at once, to limit memory
_SAVE_PROFILE_VECTORS = sa.text(
    "INSERT INTO outline (subscriber_id, made_by, outline)"
    " SELECT id, :made_by, :outline FROM subscriber WHERE id = :subscriber_id"
    " ON CONFLICT (subscriber_id) DO UPDATE SET"
    " made_by = excluded.made_by, outline = excluded.outline"
).bindparams(sa.bindparam("outline", type_=sa.LargeBinary()))


@dataclass(frozen=True, slots=True)
class StoredModel:
    """An embedding model whose vectors are stored."""

    id: int
    name: str
    setting: str
    fit: bytes
    is_complete: bool


@dataclass(frozen=True, slots=True)
class StoredProfileVectors:
    """An encoded profile, and by what it was encoded from which profile."""

    made_by: str
    packed: bytes


def compute_text_key(text: str) -> int:
    """Return the 64-bit key of a text: papers with the same text share their vector."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)


class Vectors(Repository):
    """Repository of embedding models, their vectors and encoded profiles."""

    def list_models(self) -> tuple[StoredModel, ...]:
        """Return all models with stored vectors: complete ones first, then in the order they were added."""
        query = sa.select(MODEL).order_by(MODEL.c.is_complete.desc(), MODEL.c.id)
        return tuple(from_row(StoredModel, row) for row in self._connection.execute(query))

    def get_serving_model(self) -> StoredModel | None:
        """Return the model in use: the complete one, or while there is none the oldest."""
        return next(iter(self.list_models()), None)

    def find_model(self, name: str) -> StoredModel | None:
        """Return the model with this name and version, complete or not."""
        return next((model for model in self.list_models() if model.name == name), None)

    def add_model(self, name: str, *, setting: str, fit: bytes, now: datetime) -> None:
        """Add an incomplete model, unless it exists; the former one stays in use until it is complete."""
        row = {"name": name, "setting": setting, "fit": fit, "made_at": now, "is_complete": False}
        self._insert_new(MODEL, [row])

    def complete_model(self, model: StoredModel) -> None:
        """Mark a model as complete, so that it is used, and delete all others with their vectors."""
        self._delete(VECTOR, VECTOR.c.model_id != model.id)
        self._delete(MODEL, MODEL.c.id != model.id)
        self._update(MODEL, MODEL.c.id == model.id, is_complete=True)

    def get_vectors(self, model: StoredModel, keys: Collection[int]) -> dict[int, bytes]:
        """Return the vectors of these text keys; those not yet computed are missing."""
        query = sa.select(VECTOR.c.key, VECTOR.c.vector).where(
            VECTOR.c.model_id == model.id, self._in(VECTOR.c.key, keys)
        )
        return {row.key: row.vector for row in self._connection.execute(query)}

    def iter_newest_vectors(self, model: StoredModel, *, limit: int) -> Iterator[tuple[str, bytes]]:
        """Yield (paper id, vector) of those of the *limit* newest papers that have a vector, newest first."""
        for papers in self.iter_newest_papers(limit):
            vectors = self.get_vectors(model, {key for _, key in papers})
            yield from ((paper_id, vectors[key]) for paper_id, key in papers if key in vectors)

    def find_existing_keys(self, model: StoredModel, keys: Collection[int]) -> set[int]:
        """Return those of these text keys that have a vector of this model."""
        query = sa.select(VECTOR.c.key).where(VECTOR.c.model_id == model.id, self._in(VECTOR.c.key, keys))
        return set(self._connection.scalars(query))

    def list_newest_texts(self, limit: int, *, below: int | None = None) -> list[tuple[int, str]]:
        """Return (number, text) of the newest papers, newest first; only of numbers less than *below*."""
        query = sa.select(PAPER.c.number, PAPER.c.title, PAPER.c.abstract)
        query = query.order_by(PAPER.c.number.desc()).limit(limit)
        if below is not None:
            query = query.where(PAPER.c.number < below)
        return [(row.number, f"{row.title}\n{row.abstract}") for row in self._connection.execute(query)]

    def iter_newest_papers(self, limit: int) -> Iterator[list[tuple[str, int]]]:
        """Yield the newest papers in chunks of (id, text key), newest first, without withdrawn ones."""
        columns = (PAPER.c.number, PAPER.c.id, PAPER.c.title, PAPER.c.abstract, PAPER.c.withdrawn)
        query = sa.select(*columns).order_by(PAPER.c.number.desc())
        below: sa.ColumnElement[bool] = sa.true()
        for start in range(0, limit, _CHUNK):
            rows = self._connection.execute(query.where(below).limit(min(_CHUNK, limit - start))).all()
            if not rows:
                return
            yield [
                (row.id, compute_text_key(f"{row.title}\n{row.abstract}"))
                for row in rows
                if not row.withdrawn
            ]
            below = PAPER.c.number < rows[-1].number

    def count_vectors(self, model: StoredModel) -> int:
        """Return how many vectors of this model are stored."""
        return self._count(VECTOR, VECTOR.c.model_id == model.id)

    def iter_keys(self, model: StoredModel) -> Iterator[int]:
        """Yield the keys of all texts that have a vector of this model."""
        query = sa.select(VECTOR.c.key).where(VECTOR.c.model_id == model.id)
        yield from self._connection.scalars(query, execution_options={"yield_per": _CHUNK})

    def add_vectors(self, model: StoredModel, vectors: Mapping[int, bytes]) -> None:
        """Store vectors by text key; existing ones are unchanged."""
        rows = [{"model_id": model.id, "key": key, "vector": vector} for key, vector in vectors.items()]
        self._insert_new(VECTOR, rows)

    def delete_vectors(self, model: StoredModel, keys: Collection[int]) -> None:
        """Delete the vectors of these text keys."""
        self._delete(VECTOR, VECTOR.c.model_id == model.id, self._in(VECTOR.c.key, keys))

    def get_profile_vectors(self, subscriber_ids: Collection[int]) -> dict[int, StoredProfileVectors]:
        """Return the encoded profiles of these subscribers, where there are any."""
        query = sa.select(OUTLINE).where(self._in(OUTLINE.c.subscriber_id, subscriber_ids))
        return {
            row.subscriber_id: StoredProfileVectors(row.made_by, row.outline)
            for row in self._connection.execute(query)
        }

    def save_profile_vectors(self, profiles: Mapping[int, StoredProfileVectors]) -> None:
        """Insert or replace encoded profiles by subscriber id; subscribers erased meanwhile are skipped."""
        rows: list[dict[str, object]] = [
            {"subscriber_id": subscriber_id, "made_by": stored.made_by, "outline": stored.packed}
            for subscriber_id, stored in profiles.items()
        ]
        if rows:
            _compile_save(self._connection.dialect).execute_many(self._connection, rows)


@lru_cache(maxsize=8)
def _compile_save(dialect: sa.Dialect) -> PreparedStatement:
    return PreparedStatement.compile(_SAVE_PROFILE_VECTORS, dialect)
