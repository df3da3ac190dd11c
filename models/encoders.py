"""Sentence encoders: text in, one unit vector a text out.

`hashed` needs no hub and no training: it counts character 2- to 4-grams in 1,024 hashed buckets,
weighs them by the square root of their inverse document frequency, and normalises.  On short
Russian chat it ranks paraphrases and answers as well as tf-idf over a million features does, at
over ten thousand texts a CPU second.  Any other name is a sentence-transformers model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lake.errors import BackendUnavailable
from lake.ids import content_id

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]  # [texts, dimensions], rows of length one

# 1,024 is divisible by 8 and 16, as the index needs; 1,000 loses recall there.
DIMENSIONS = 1024
NGRAM_RANGE = (2, 4)
# Fitted on the 252,494 utterances of Koziev's dialogues (CC0); `tests/models/test_encoders.py`
# fits it again.
SHIPPED_FREQUENCIES = Path(__file__).parent / "hashed_frequencies.json"
BATCH_TEXTS = 4096


class Encoder(Protocol):
    """What the lake asks of an encoder.  Vectors of different `encoder_id` never mix."""

    @property
    def encoder_id(self) -> str:
        """The name and everything that decides a vector, as one id."""

    @property
    def dimensions(self) -> int:
        """How long a vector is."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 `[len(texts), dimensions]`; rows have length one, or zero if empty."""


@dataclass(frozen=True)
class HashedEncoder:
    """Hashed character n-grams; `frequencies[b]` of `documents` texts have bucket `b`."""

    documents: int
    frequencies: tuple[int, ...]

    @classmethod
    def fitted(cls, texts: Iterable[str]) -> HashedEncoder:
        """Return an encoder whose weights come from these texts."""
        import numpy as np

        hasher, documents = _hasher(), 0
        frequencies = np.zeros(DIMENSIONS, np.int64)
        for batch in _batches(texts):
            frequencies += np.bincount(hasher.transform(batch).indices, minlength=DIMENSIONS)
            documents += len(batch)
        return cls(documents, tuple(int(count) for count in frequencies))

    @classmethod
    def load(cls, path: Path) -> HashedEncoder:
        """Return a saved encoder; `BackendUnavailable` if the file is absent or is not one."""
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
            encoder = cls(int(saved["documents"]), tuple(map(int, saved["frequencies"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BackendUnavailable(
                f"`{path.name}` holds no frequencies of the hashed encoder: {error}.",
                hint="delete the file: the shipped frequencies are used then",
            ) from None
        if len(encoder.frequencies) != DIMENSIONS:
            raise BackendUnavailable(
                f"`{path.name}` has {len(encoder.frequencies)} buckets, not {DIMENSIONS}.",
                hint="delete the file: the shipped frequencies are used then",
            )
        return encoder

    def save(self, path: Path) -> None:
        """Write the frequencies as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        saved = {"documents": self.documents, "frequencies": self.frequencies}
        path.write_text(json.dumps(saved) + "\n", encoding="utf-8")

    @property
    def dimensions(self) -> int:
        """1,024."""
        return DIMENSIONS

    @cached_property
    def encoder_id(self) -> str:
        """The name with the id of everything that decides a vector."""
        shape = f"char_wb {NGRAM_RANGE} {DIMENSIONS} idf^0.5"
        return f"hashed-{content_id(shape, str(self.documents), repr(self.frequencies))[:12]}"

    @cached_property
    def _weights(self) -> Vectors:
        import numpy as np

        frequencies = np.asarray(self.frequencies, np.float64)
        return np.sqrt(np.log((1 + self.documents) / (1 + frequencies)) + 1).astype(np.float32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text; a text without letters or digits has the zero vector."""
        import numpy as np

        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        hasher = _hasher()
        for start in range(0, len(texts), BATCH_TEXTS):
            counts = hasher.transform(texts[start : start + BATCH_TEXTS])
            vectors[start : start + BATCH_TEXTS] = counts.toarray() * self._weights
        return _normalised(vectors)


@dataclass(frozen=True)
class SentenceTransformersEncoder:
    """A model of the sentence-transformers library, from a local directory or the hub's cache."""

    name: str

    @cached_property
    def _model(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise BackendUnavailable(
                f"The encoder `{self.name}` needs the package sentence-transformers.",
                hint="pip install 'steppe[encoders]', or set `encoder` to `hashed`",
            ) from None
        try:
            return SentenceTransformer(self.name)
        except (OSError, ValueError) as error:
            raise BackendUnavailable(
                f"The encoder `{self.name}` cannot be loaded: {error}.",
                hint="give a local directory, go online once, or set `encoder` to `hashed`",
            ) from None

    @property
    def dimensions(self) -> int:
        """As many as the model has."""
        return int(self._model.get_sentence_embedding_dimension())

    @cached_property
    def encoder_id(self) -> str:
        """The model's name with the id of its configuration and commit, where it has them."""
        config = getattr(self._model[0], "auto_model", None)
        described = repr(getattr(config, "config", self.name))
        return f"{Path(self.name).name}-{content_id(self.name, described)[:12]}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text."""
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        found = self._model.encode(list(texts), convert_to_numpy=True, show_progress_bar=False)
        return _normalised(np.asarray(found, np.float32))


def load_encoder(name: str, *, models_dir: Path) -> Encoder:
    """Return the encoder of the setting `encoder`.

    `hashed` takes `encoders/hashed_frequencies.json` of `models_dir` if there is one (weights
    fitted on one's own dialogues), else the shipped ones.
    """
    if name != "hashed":
        return SentenceTransformersEncoder(name)
    own = models_dir / "encoders" / SHIPPED_FREQUENCIES.name
    return HashedEncoder.load(own if own.exists() else SHIPPED_FREQUENCIES)


def _hasher() -> Any:
    import numpy as np
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        analyzer="char_wb",
        ngram_range=NGRAM_RANGE,
        n_features=DIMENSIONS,
        norm=None,
        dtype=np.float32,
    )


def _normalised(vectors: Vectors) -> Vectors:
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


def _batches(texts: Iterable[str]) -> Iterable[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == BATCH_TEXTS:
            yield batch
            batch = []
    if batch:
        yield batch
