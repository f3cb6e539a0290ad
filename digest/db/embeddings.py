"""What do texts mean to a model? Vectors of papers by model, and profiles in numbers, as they were made."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa

from digest.db.dialects import among, insert
from digest.db.tables import MODEL, OUTLINE, PAPER, VECTOR

_PIECE = 2000  # papers read at once, so that memory stays flat


@dataclass(frozen=True, slots=True)
class KeptModel:
    """A model as the store knows it."""

    id: int
    name: str
    setting: str
    fit: bytes
    is_complete: bool


@dataclass(frozen=True, slots=True)
class KeptOutline:
    """A packed outline, and of which revision of the profile it is."""

    revision: int
    made_by: str
    outline: bytes


def text_key(text: str) -> int:
    """The number a text is known by: its vector is as good for every paper that says the same."""
    told = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(told.digest(), "big", signed=True)


class Vectors:
    """The vectors of one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def models(self) -> tuple[KeptModel, ...]:
        """Every model that vectors are kept of: one that knows all papers first, then who began first."""
        query = sa.select(MODEL).order_by(MODEL.c.is_complete.desc(), MODEL.c.id)
        rows = self._connection.execute(query)
        return tuple(KeptModel(row.id, row.name, row.setting, row.fit, row.is_complete) for row in rows)

    def serving(self) -> KeptModel | None:
        """The model that knows all papers; while there is none, the one that has learnt them for longest."""
        return next(iter(self.models()), None)

    def model(self, name: str) -> KeptModel | None:
        """The model of this name and version, complete or not."""
        return next((each for each in self.models() if each.name == name), None)

    def begin(self, name: str, *, setting: str, fit: bytes, now: datetime) -> None:
        """A new model starts to learn the papers; until it knows all, the one before serves."""
        row = {"name": name, "setting": setting, "fit": fit, "made_at": now, "is_complete": False}
        self._connection.execute(insert(self._connection, MODEL).values(row).on_conflict_do_nothing())

    def complete(self, model: KeptModel) -> None:
        """This model knows all papers: from now on it serves, and what others made is dropped."""
        self._connection.execute(sa.delete(VECTOR).where(VECTOR.c.model_id != model.id))
        self._connection.execute(sa.delete(MODEL).where(MODEL.c.id != model.id))
        self._connection.execute(sa.update(MODEL).where(MODEL.c.id == model.id).values(is_complete=True))

    def of(self, model: KeptModel, keys: Collection[int]) -> dict[int, bytes]:
        """The vectors of these texts, by their keys; those not yet made are missing."""
        query = sa.select(VECTOR.c.key, VECTOR.c.vector).where(
            VECTOR.c.model_id == model.id, among(self._connection, VECTOR.c.key, keys)
        )
        return {row.key: row.vector for row in self._connection.execute(query)}

    def of_newest(self, model: KeptModel, *, most: int) -> Iterator[tuple[str, bytes]]:
        """The vectors of those among the newest papers that have one, by the paper's id, the newest first."""
        for papers in self.newest(most):
            vectors = self.of(model, {key for _, key in papers})
            yield from ((known, vectors[key]) for known, key in papers if key in vectors)

    def held(self, model: KeptModel, keys: Collection[int]) -> set[int]:
        """Those of these texts, by their keys, that this model has a vector of."""
        query = sa.select(VECTOR.c.key).where(
            VECTOR.c.model_id == model.id, among(self._connection, VECTOR.c.key, keys)
        )
        return set(self._connection.scalars(query))

    def newest_texts(self, most: int, *, below: int | None = None) -> list[tuple[int, str]]:
        """What the newest papers say, with their numbers, the newest first; only those below a number."""
        query = sa.select(PAPER.c.number, PAPER.c.title, PAPER.c.abstract)
        query = query.order_by(PAPER.c.number.desc()).limit(most)
        if below is not None:
            query = query.where(PAPER.c.number < below)
        return [(row.number, f"{row.title}\n{row.abstract}") for row in self._connection.execute(query)]

    def newest(self, most: int) -> Iterator[list[tuple[str, int]]]:
        """The newest papers in pieces, the newest first: each one's id and its text's key; none withdrawn."""
        columns = (PAPER.c.number, PAPER.c.id, PAPER.c.title, PAPER.c.abstract, PAPER.c.withdrawn)
        query = sa.select(*columns).order_by(PAPER.c.number.desc())
        below: sa.ColumnElement[bool] = sa.true()
        for start in range(0, most, _PIECE):
            rows = self._connection.execute(query.where(below).limit(min(_PIECE, most - start))).all()
            if not rows:
                return
            yield [(row.id, text_key(f"{row.title}\n{row.abstract}")) for row in rows if not row.withdrawn]
            below = PAPER.c.number < rows[-1].number

    def count(self, model: KeptModel) -> int:
        """How many vectors this model has."""
        query = sa.select(sa.func.count()).select_from(VECTOR).where(VECTOR.c.model_id == model.id)
        return int(self._connection.scalar(query) or 0)

    def known(self, model: KeptModel) -> Iterator[int]:
        """The keys of all texts that this model has a vector of, one after the other."""
        query = sa.select(VECTOR.c.key).where(VECTOR.c.model_id == model.id)
        yield from self._connection.scalars(query, execution_options={"yield_per": _PIECE})

    def keep(self, model: KeptModel, vectors: Mapping[int, bytes]) -> None:
        """Keep vectors by their texts' keys; those that are there already stay."""
        rows = [{"model_id": model.id, "key": key, "vector": vector} for key, vector in vectors.items()]
        if rows:
            self._connection.execute(insert(self._connection, VECTOR).on_conflict_do_nothing(), rows)

    def forget(self, model: KeptModel, keys: Collection[int]) -> None:
        """Drop the vectors of texts that no paper of interest says any more."""
        old = sa.delete(VECTOR).where(
            VECTOR.c.model_id == model.id, among(self._connection, VECTOR.c.key, keys)
        )
        self._connection.execute(old)

    def outlines(self, readers: Collection[int]) -> dict[int, KeptOutline]:
        """The profiles of these readers in numbers, as far as they were kept."""
        query = sa.select(OUTLINE).where(among(self._connection, OUTLINE.c.subscriber_id, readers))
        return {
            row.subscriber_id: KeptOutline(row.revision, row.made_by, row.outline)
            for row in self._connection.execute(query)
        }

    def keep_outlines(self, outlines: Mapping[int, KeptOutline]) -> None:
        """Keep profiles in numbers; readers who were erased meanwhile are passed over."""
        rows: list[dict[str, Any]] = [
            {"who": reader, "rev": kept.revision, "how": kept.made_by, "told": kept.outline}
            for reader, kept in outlines.items()
        ]
        if not rows:
            return
        self._connection.execute(_KEEP, rows)


_KEEP = sa.text(
    "INSERT INTO outline (subscriber_id, revision, made_by, outline)"
    " SELECT id, :rev, :how, :told FROM subscriber WHERE id = :who"
    " ON CONFLICT (subscriber_id) DO UPDATE SET"
    " revision = excluded.revision, made_by = excluded.made_by, outline = excluded.outline"
).bindparams(sa.bindparam("told", type_=sa.LargeBinary()))
