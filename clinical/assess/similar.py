"""Similarity search in the shared space: cases like this one, and cases that match a sentence.

A model's notes, image, measurements and history of one case lie near each other in one space
(`clinical.model.space`), so a vector of any of them can be compared with those of any other. Each
case is located on its own and on one thread, and similarities are summed in a fixed order: the same
case, model and index give the same neighbours to the last bit.

An index holds pseudonyms and vectors, no pixels, values or text. It is a folder with
`vectors.safetensors` and `index.json`, which names the SHA-256 of the first and the model's digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from clinical import canonical
from clinical.case.case import Case
from clinical.case.shapes import Text, Texts
from clinical.config import nearest as nearest_name
from clinical.errors import ConfigError, ModelError, StoreError
from clinical.modalities.threads import one_thread
from clinical.model.model import Model, prepare_case
from clinical.model.space import Space, of_case
from clinical.workspace import own_file

ALL = "all"
"""Stands for all modalities of a case together: the direction of the mean of their vectors."""

FORMAT = 1
_VECTORS, _JSON = "vectors.safetensors", "index.json"

Vector = NDArray[np.float32]
"""[space], of unit length."""


@dataclass(frozen=True)
class Neighbour:
    """A case near the one that was asked for; `similarity` is the cosine, -1 to 1."""

    case_id: str
    patient_id: str
    similarity: float


@dataclass(frozen=True, eq=False)
class Index:
    """Where the cases of a cohort lie.

    Attributes:
        model_digest: of the model that located them; vectors of other models mean other things.
        case_ids, patient_ids: of every case, in cohort order.
        rows: modality, or ALL, to the positions of the cases that have it [n] int64.
        vectors: the same keys to their unit vectors [n, space] float32.
    """

    model_digest: str
    case_ids: tuple[str, ...]
    patient_ids: tuple[str, ...]
    rows: Mapping[str, NDArray[np.int64]]
    vectors: Mapping[str, NDArray[np.float32]]

    def missing(self) -> dict[str, int]:
        """Modality to the number of cases that are not in its part of the index."""
        return {name: len(self.case_ids) - len(rows) for name, rows in self.rows.items()}

    def vector(self, case_id: str, modality: str = ALL) -> Vector:
        """Where a case of the index lies by one modality.

        Raises:
            StoreError: if the case is not in the index, or has no such modality.
            ConfigError: if the index has no such modality.
        """
        rows, vectors = self.part(modality)
        if case_id not in self.case_ids:
            raise StoreError(
                f"The index has no case {case_id!r}.", remedy="see case_ids in index.json"
            )
        place = np.flatnonzero(rows == self.case_ids.index(case_id))
        if not len(place):
            raise StoreError(
                f"Case {case_id!r} has no {modality} in the index.",
                remedy="search with another modality",
            )
        vector: Vector = vectors[place[0]]
        return vector

    def part(self, modality: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Positions [n] and vectors [n, space] of the cases that have a modality.

        Raises:
            ConfigError: if the index has no such modality.
        """
        if modality not in self.rows:
            raise ConfigError(
                f"The index has no {modality!r}.", remedy=nearest_name(modality, self.rows)
            )
        return self.rows[modality], self.vectors[modality]


def embed(model: Model, case: Case) -> dict[str, Vector]:
    """Unit vector of every modality that a case has, and of ALL; empty if it has none.

    Raises:
        ModelError: if the model has no shared space.
    """
    space = trained_space(model)
    with torch.inference_mode(), one_thread():
        vectors = of_case(space(model.network.encode([prepare_case(case, model.specs)])))
    return {**vectors, ALL: _direction(list(vectors.values()))} if vectors else {}


def trained_space(model: Model) -> Space:
    """The model's shared space.

    Raises:
        ModelError: if it has none, or one that was never trained.
    """
    space = model.network.space
    if space is None or not model.study.training.space_epochs:
        raise ModelError(
            f"Model {model.name!r} has no shared space.",
            remedy="train with model.space and training.space_epochs above 0",
        )
    return space


def _direction(vectors: list[Vector]) -> Vector:
    total = np.sum(np.stack(vectors).astype(np.float64), axis=0)
    # Opposite vectors cancel; no direction is then better than another.
    length = max(float(np.sqrt((total**2).sum())), 1e-12)
    return np.asarray(total / length, dtype=np.float32)


def embed_text(model: Model, text: str) -> Vector:
    """Where a sentence lies by the note encoder: the mean over the sections it could stand in.

    Raises:
        ModelError: if the model reads no notes, or has no shared space.
        ConfigError: if the text holds no word.
    """
    name = _notes_of(model)
    # Free text names no section, and the place of an unnamed one was hardly ever trained.
    sections = tuple(model.specs[name].settings.sections) or ("",)
    found = [
        embed(model, Case("", "", None, {name: Texts((Text(section, text),))}))
        for section in sections
    ]
    if not all(found):
        raise ConfigError("The text is empty.", remedy="describe a case in a sentence")
    return _direction([vectors[name] for vectors in found])


def _notes_of(model: Model) -> str:
    for name, spec in model.specs.items():
        if spec.encoder == "notes":
            return name
    raise ModelError(
        f"Model {model.name!r} reads no notes.", remedy="use a model trained with notes"
    )


def build(model: Model, cases: Iterable[Case]) -> Index:
    """Locate cases, one after another.

    Raises:
        ModelError: if the model has no shared space.
    """
    trained_space(model)
    names = (ALL, *model.specs)
    case_ids: list[str] = []
    patient_ids: list[str] = []
    rows: dict[str, list[int]] = {name: [] for name in names}
    vectors: dict[str, list[Vector]] = {name: [] for name in names}
    for row, case in enumerate(cases):
        case_ids.append(case.case_id)
        patient_ids.append(case.patient_id)
        for name, vector in embed(model, case).items():
            rows[name].append(row)
            vectors[name].append(vector)
    size = model.study.model.space
    return Index(
        model.identity.digest,
        tuple(case_ids),
        tuple(patient_ids),
        {name: np.array(rows[name], dtype=np.int64) for name in names},
        {name: np.array(vectors[name], np.float32).reshape(-1, size) for name in names},
    )


def nearest(
    index: Index, vector: Vector, k: int, *, among: str = ALL, without_patient: str = ""
) -> tuple[Neighbour, ...]:
    """The `k` cases whose modality `among` lies nearest to a vector; nearest first.

    Args:
        index: of a cohort.
        vector: from `embed`, `embed_text` or `Index.vector`, of the index's model.
        k: how many; fewer come if there are fewer. Of equal ones the first in the index.
        among: modality to compare with, or ALL.
        without_patient: leave out the cases of this patient.

    Raises:
        ConfigError: if the index has no such modality, or `k` is below 1.
    """
    if k < 1:
        raise ConfigError(f"k is {k}.", remedy="choose 1 or more")
    rows, vectors = index.part(among)
    similarities = (vectors.astype(np.float64) * vector).sum(axis=1)
    order = np.argsort(-similarities, kind="stable")
    found = (
        Neighbour(index.case_ids[rows[i]], index.patient_ids[rows[i]], float(similarities[i]))
        for i in order
    )
    others = (n for n in found if not without_patient or n.patient_id != without_patient)
    return tuple(n for n, _ in zip(others, range(k), strict=False))


def nearest_to_case(
    model: Model, index: Index, case: Case, k: int, *, query: str = ALL, among: str = ALL
) -> tuple[Neighbour, ...]:
    """Cases of other patients near a case, also one that is not in the index.

    Raises:
        ModelError: if the index was made with another model.
        ConfigError: if the case has no modality `query`, or the index has none called `among`.
    """
    check_model(index, model)
    vectors = embed(model, case)
    if query not in vectors:
        raise ConfigError(
            f"Case {case.case_id!r} has no {query!r}.", remedy=nearest_name(query, vectors)
        )
    return nearest(index, vectors[query], k, among=among, without_patient=case.patient_id)


def search(
    model: Model, index: Index, text: str, k: int, *, among: str = ALL
) -> tuple[Neighbour, ...]:
    """Cases whose modality `among` lies nearest to what a text says.

    Raises:
        ModelError: if the index was made with another model, or the model reads no notes.
        ConfigError: if the text is empty, or the index has no such modality.
    """
    check_model(index, model)
    return nearest(index, embed_text(model, text), k, among=among)


def check_model(index: Index, model: Model) -> None:
    """Raise a ModelError if `index` was made with another model."""
    if index.model_digest != model.identity.digest:
        raise ModelError(
            "The index was built with a different model.",
            remedy="use that model, or rebuild the index",
        )


def save(index: Index, folder: Path) -> None:
    """Write an index; the JSON last, so that a half-written one does not load."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, NDArray[Any]] = {f"rows.{name}": rows for name, rows in index.rows.items()}
    parts |= {f"vectors.{name}": vectors for name, vectors in index.vectors.items()}
    data = bytes(save_arrays(parts))
    own_file.write(folder / _VECTORS, data)
    described = {
        "format": FORMAT,
        "model_digest": index.model_digest,
        "vectors_sha256": canonical.sha256(data),
        "modalities": list(index.rows),
        "missing": index.missing(),
        "case_ids": list(index.case_ids),
        "patient_ids": list(index.patient_ids),
    }
    own_file.write(folder / _JSON, json.dumps(described, indent=1) + "\n")


def load(folder: Path) -> Index:
    """Read an index and check its digest.

    Raises:
        StoreError: if it is absent, of another format, or incomplete.
    """
    again = "rebuild it with `triptych retrieval index`"
    try:
        described: dict[str, Any] = json.loads((folder / _JSON).read_text(encoding="utf-8"))
        data = (folder / _VECTORS).read_bytes()
    except FileNotFoundError as error:
        missing = Path(error.filename).name
        raise StoreError(f"{folder} holds no index: {missing} is missing.", remedy=again) from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise StoreError(f"{folder / _JSON} is not JSON.", remedy=again) from None
    if described.get("format") != FORMAT:
        raise StoreError(
            f"{folder} has format {described.get('format')}, not {FORMAT}.", remedy=again
        )
    if canonical.sha256(data) != described.get("vectors_sha256"):
        raise StoreError(
            f"{folder / _VECTORS} is not what {_JSON} describes (SHA-256 differs).", remedy=again
        )
    try:
        parts, names = load_arrays(data), described["modalities"]
        return Index(
            described["model_digest"],
            tuple(described["case_ids"]),
            tuple(described["patient_ids"]),
            {name: parts[f"rows.{name}"] for name in names},
            {name: parts[f"vectors.{name}"] for name in names},
        )
    except (KeyError, SafetensorError):
        raise StoreError(f"{folder} does not hold a complete index.", remedy=again) from None
