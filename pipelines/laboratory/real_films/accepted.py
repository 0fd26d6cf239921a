"""Which pictures the model for real films takes for its own, and why it refuses the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clinical.case.case import Case
from clinical.case.shapes import Array, Arrays
from clinical.cohorts import folder
from clinical.dicom.read import read_image
from clinical.errors import ImageError
from clinical.modalities.kit import person
from clinical.modalities.radiograph import encoder, traits
from clinical.modalities.radiograph.rows import IMAGE
from clinical.model import domain
from clinical.model.model import Model
from pipelines.jobs.progress import track
from pipelines.laboratory.real_films.judge import Films

SPOILT = 60
"""Films that are spoilt in every way: enough to tell 0% from 10%, at an encoding each."""

SIMULATED = Path(str(resources.files("sample_data"))) / "cohort"
_PIECES = 4  # of each photograph, a side

WAYS: Mapping[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "turned upside down": lambda pixels: np.rot90(pixels, 2),
    "turned on the side": np.rot90,
    "mirrored": lambda pixels: pixels[:, ::-1],
    "inverted": lambda pixels: pixels.max() + pixels.min() - pixels,
}


@dataclass
class Count:
    """Pictures of one kind.

    Attributes:
        pictures: number.
        outside: of these, those outside the domain mark.
        posture: that seem to be turned, mirrored, inverted or no chest.
        view: whose view is not stated, or is another one.
        age: of patients of another age, where it is known.
        accepted: none of these.
    """

    pictures: int = 0
    outside: int = 0
    posture: int = 0
    view: int = 0
    age: int = 0
    accepted: int = 0

    def add(self, model: Model, image: Array, seen: NDArray[np.float32], age: float | None) -> None:
        """Count one picture, of which the domain mark sees a row."""
        settings = model.specs[IMAGE].settings
        envelope = model.envelopes[IMAGE]
        refused = {
            "outside": domain.distance(envelope, seen) > envelope.limit,
            "posture": any(traits.doubts(image.values)),
            "view": any(encoder.doubts_of(image, replace(settings, posture=False))),
            "age": model.ages.outside(age) is not None,
        }
        self.pictures += 1
        for name, yes in refused.items():
            setattr(self, name, getattr(self, name) + int(yes))
        self.accepted += not any(refused.values())


def count(
    model: Model, cohort: Path, films: Films, parts: Mapping[int, str], others: Path | None
) -> dict[str, Count]:
    """What is accepted and refused, by kind of picture.

    Args:
        model: that ships.
        cohort: the gathered films.
        films: the same, encoded.
        parts: of the films that made the domain; only those held out are counted.
        others: folder of DICOM files that are no films of a chest.
    """
    found: dict[str, Count] = {}
    crop = model.specs[IMAGE].settings.crop
    spoil: list[Array] = []
    for number, case in enumerate(track(folder.read(cohort), "accept or refuse", len(films.views))):
        if not isinstance(case, Case) or parts.get(number, "held out") != "held out":
            continue
        image = case.inputs[IMAGE].arrays[0]
        kind = f"{films.sources[number]}, {films.views[number]}"
        kind += ", of the domain's source" if number in parts else ""
        patches = films.encoded[crop].cases[number].images[IMAGE][0].features[encoder.EMBEDDING]
        row = np.asarray(patches.astype(np.float32).mean(axis=0))
        found.setdefault(kind, Count()).add(model, image, row, person(case).age_years)
        if number in parts and len(spoil) < SPOILT:
            spoil.append(image)
    for way, change in WAYS.items():
        for image in track(spoil, way, len(spoil)):
            changed = replace(image, values=np.ascontiguousarray(change(image.values)))
            _whole(found, f"the same films {way}", model, changed)
    for image in _simulated():
        _whole(found, "simulated films", model, image)
    for image in _photographs():
        _whole(found, "photographs and pieces of them", model, image)
    for image in _files(others):
        _whole(found, "DICOM files of other kinds", model, image)
    return found


def _whole(found: dict[str, Count], kind: str, model: Model, image: Array) -> None:
    prepared = encoder.prepare(Arrays((image,)), model.specs[IMAGE].settings)
    row = np.asarray(prepared.features[encoder.EMBEDDING].astype(np.float32).mean(axis=0))
    found.setdefault(kind, Count()).add(model, image, row, None)


def _simulated() -> Iterator[Array]:
    for case in folder.read(SIMULATED):
        if isinstance(case, Case) and IMAGE in case.inputs:
            yield case.inputs[IMAGE].arrays[0]


def _photographs() -> Iterator[Array]:
    """Two photographs that come with scikit-learn, in grey, and pieces of them."""
    for name in ("china.jpg", "flower.jpg"):
        with Image.open(str(resources.files("sklearn.datasets") / "images" / name)) as picture:
            grey = np.asarray(picture.convert("L"), np.float32)
        yield Array(grey)
        for rows in np.array_split(grey, _PIECES):
            for piece in np.array_split(rows, _PIECES, axis=1):
                yield Array(np.ascontiguousarray(piece))


def _files(place: Path | None) -> Iterator[Array]:
    for file in sorted(place.rglob("*")) if place else ():
        try:
            image = read_image(file) if file.is_file() else None
        except ImageError:
            continue
        if image is not None and image.values.ndim == 2:
            yield image


def table(found: Mapping[str, Count]) -> str:
    """The counts in Markdown."""
    lines = [
        "| pictures | number | outside the domain | posture doubted | other view | other age"
        " | accepted |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for kind, one in found.items():
        shares = [
            f"{part / one.pictures:.0%}"
            for part in (one.outside, one.posture, one.view, one.age, one.accepted)
        ]
        lines.append(f"| {kind} | {one.pictures} | {' | '.join(shares)} |")
    return "\n".join([*lines, ""])
