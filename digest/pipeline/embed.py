"""What do papers mean to a model? Vectors are made once, kept, and serve until better ones are complete."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from digest.db import Database
from digest.db.embeddings import KeptModel, text_key
from digest.models.errors import ConfigError
from digest.ranking.bm25 import Floats
from digest.ranking.embeddings import Embedder, Embedding, Encode, packed, unit, unpacked

POOL = timedelta(days=7)  # as long as a paper may be sent
EARLIER = 4000  # papers before that, which tell what is usual
BATCH = 256  # texts turned into vectors, and kept, at once
SEARCHED = 50_000  # the newest papers, whose vectors are kept for the search
MADE_AT = "vectors_at"  # where the store keeps when vectors were made last
LEARNS_AT = (64, 256, 1024, 4096)  # a model that learns from texts learns anew when there are so many

Tell = Callable[[str, int, int], object]
Load = Callable[[str], Embedder | None]


def ignore_progress(_what: str, _done: int, _of: int) -> None:
    """Nobody looks at how far it is."""


def keep_up(store: Database, model: Embedder | None, now: datetime, *, tell: Tell = ignore_progress) -> int:
    """Give every paper that may be sent today, or tells what is usual, its vector; how many were made.

    For a new model, or one that has learnt more, all are made anew, and what was there serves until
    `digest.rereading` has been through everything else. Broken off, it goes on from there the next time.
    """
    texts = _texts(store, now)
    if model is None or not texts:
        return 0
    kept = _begun(store, model, list(texts.values()), now)
    missing, done = lacking(store, kept, texts), 0
    for number in made(store, model, kept, missing):
        tell(f"vectors by {kept.name}", done, len(missing))
        done += number
    if missing:
        with store.begin() as tx:
            tx.meta.write(MADE_AT, now.isoformat())
    return len(missing)


def lacking(store: Database, kept: KeptModel, texts: Mapping[int, str]) -> Mapping[int, str]:
    """Those of these texts, by their keys, that this model has not read."""
    with store.begin(write=False) as tx:
        held = tx.vectors.held(kept, texts.keys())
    return {key: text for key, text in texts.items() if key not in held}


def made(store: Database, model: Embedder, kept: KeptModel, texts: Mapping[int, str]) -> Iterator[int]:
    """Turn texts into vectors, and keep them batch by batch; how many, before each batch is begun."""
    if not texts:
        return
    encode, keys = model.encoder(kept.fit), list(texts)
    for start in range(0, len(keys), BATCH):
        some = keys[start : start + BATCH]
        yield len(some)
        vectors = unit(encode([texts[key] for key in some]))
        with store.begin() as tx:
            tx.vectors.keep(kept, {key: packed(row) for key, row in zip(some, vectors, strict=True)})


def chosen(store: Database, model: Embedder) -> KeptModel | None:
    """What this model has read, in its newest state; None before it was begun."""
    with store.begin(write=False) as tx:
        mine = [kept for kept in tx.vectors.models() if is_by(kept, model)]
    return max(mine, key=lambda kept: kept.id, default=None)


def served(store: Database, model: Embedder | None, *, load: Load) -> Embedding | None:
    """The model whose vectors are complete, whichever is chosen by now; the chosen one if there is none.

    What a model has not read it reads when it is asked; so one that has read something is better than none.
    """
    if model is None:
        return None
    with store.begin(write=False) as tx:
        models = tx.vectors.models()
    for kept in models:
        if maker := maker_of(kept, model, load=load):
            return Served(store, kept, maker)
    return model


def maker_of(kept: KeptModel, model: Embedder, *, load: Load) -> Embedder | None:
    """The model that made what is kept: the chosen one, or another while it is installed."""
    return model if is_by(kept, model) else _loaded(kept, load)


class Served:
    """A model that looks its vectors up in the store, and makes only those that are not there."""

    def __init__(self, store: Database, kept: KeptModel, maker: Embedder) -> None:
        self.name, self.weight = kept.name, maker.weight
        self._store, self._kept, self._maker = store, kept, maker
        self._encoder: Encode | None = None

    def fitted(self, texts: Sequence[str]) -> Encode:  # noqa: ARG002  what it learnt was kept with the vectors
        """An encoder that gives a text the vector it always had."""
        return self._encode

    def _encode(self, texts: Sequence[str]) -> Floats:
        keys = [text_key(text) for text in texts]
        with self._store.begin(write=False) as tx:
            known = {key: unpacked(row) for key, row in tx.vectors.of(self._kept, {*keys}).items()}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            known |= dict(zip(missing, self._made(list(missing.values())), strict=True))
        return np.array([known[key] for key in keys], np.float32)

    def _made(self, texts: Sequence[str]) -> Floats:
        self._encoder = self._encoder or self._maker.encoder(self._kept.fit)
        return np.array([unpacked(packed(row)) for row in unit(self._encoder(texts))], np.float32)


def _texts(store: Database, now: datetime) -> dict[int, str]:
    """What the papers say that may be sent or compared, by its key."""
    with store.begin(write=False) as tx:
        papers = (*tx.papers.pool(now - POOL, now), *tx.papers.background(EARLIER, before=now - POOL))
    texts = (f"{paper.title}\n{paper.abstract}" for paper in papers)
    return {text_key(text): text for text in texts}


def _begun(store: Database, model: Embedder, texts: Sequence[str], now: datetime) -> KeptModel:
    """The model as the store knows it; a new one, or one that can learn more by now, begins."""
    step = max((number for number in LEARNS_AT if number <= len(texts)), default=0)
    mine = chosen(store, model)
    if mine and mine.name.startswith(f"{model.name}/") and _step(mine) >= step:
        return mine  # fewer papers than once: what it learnt from more of them is better
    fit = model.learn(texts)
    name = f"{model.name}/{step}" if fit else model.name
    with store.begin() as tx:
        tx.vectors.begin(name, setting=model.setting, fit=fit, now=now)
        begun = tx.vectors.model(name)
    assert begun is not None  # noqa: S101  narrows the type: it was begun two lines above
    return begun


def _step(kept: KeptModel) -> int:
    return int(kept.name.rpartition("/")[2])


def _loaded(kept: KeptModel, load: Load) -> Embedder | None:
    """The model that made these vectors, if it is still installed in the same version."""
    try:
        maker = load(kept.setting)
    except ConfigError:
        return None
    return maker if maker and is_by(kept, maker) else None


def is_by(kept: KeptModel, model: Embedder) -> bool:
    """Whether this model made what is kept, whatever it had learnt by then."""
    return kept.name == model.name or kept.name.startswith(f"{model.name}/")
