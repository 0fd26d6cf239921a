"""What the out-of-distribution mark sees: ordinary images, the same ones spoilt, and other files.

Only the images are judged here, each alone. Of a cohort like the training cases the share marked as
"as it is" is the rate of false alarms; of any other cohort it is the rate of detection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from clinical.case.case import Case
from clinical.case.shapes import Array, Arrays
from clinical.cohorts.cohort import Source
from clinical.dicom.read import read_image
from clinical.errors import CohortError, ImageError, ModelError
from clinical.modalities.encoding import mean_embedding
from clinical.modalities.radiograph import encoder as radiograph
from clinical.model import domain
from clinical.model.model import EncoderSpec, Model
from pipelines.jobs.progress import track

Image = NDArray[np.float32]

RADIOGRAPH = "radiograph"
AS_IT_IS = "as it is"
REFUSED = "refused by the reader"


@dataclass(frozen=True)
class Marked:
    """How many images of one kind are marked.

    Attributes:
        kind: what was done to them, or what they are.
        images, marked: numbers.
        median: of the score; above 1 is outside.
    """

    kind: str
    images: int
    marked: int
    median: float


def _clipped(image: Image, low: float, high: float) -> Image:
    return np.clip(image, *np.quantile(image, [low, high])).astype(np.float32)


def _blurred(image: Image, share: float) -> Image:
    return np.asarray(gaussian_filter(image, share * min(image.shape)), dtype=np.float32)


def _noisy(image: Image, share: float, generator: np.random.Generator) -> Image:
    noise = generator.normal(0, share * max(float(np.ptp(image)), 1e-6), image.shape)
    return (image + noise).astype(np.float32)


KINDS: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    AS_IT_IS: lambda image, _: image,
    "upside down": lambda image, _: image[::-1],
    "mirrored left to right": lambda image, _: image[:, ::-1],
    "turned by 90 degrees": lambda image, _: np.rot90(image),
    "inverted": lambda image, _: image.max() + image.min() - image,
    "blurred, sigma 1% of the side": lambda image, _: _blurred(image, 0.01),
    "blurred, sigma 3% of the side": lambda image, _: _blurred(image, 0.03),
    "clipped to the 10th-90th percentile": lambda image, _: _clipped(image, 0.1, 0.9),
    "clipped to the 35th-65th percentile": lambda image, _: _clipped(image, 0.35, 0.65),
    "noise of 10% of the range added": lambda image, rng: _noisy(image, 0.1, rng),
    "upper half only": lambda image, _: image[: max(1, len(image) // 2)],
    "nothing but noise": lambda image, rng: rng.normal(size=image.shape).astype(np.float32),
}


def check_cohort(
    model: Model, source: Source, root: Path, *, limit: int = 0, seed: int = 0
) -> list[Marked]:
    """Rates on the images of a cohort, as they are and spoilt in every way of `KINDS`.

    Args:
        model: with an envelope for an image modality.
        source, root: the cohort.
        limit: how many cases, evenly spread over the cohort; 0 takes all.
        seed: of the noise.

    Raises:
        ModelError: if the model reads no image.
        CohortError: if no case has an image that it reads.
    """
    modality, spec = _image_modality(model)
    entries = source.index(root)
    step = max(1, len(entries) // limit) if limit else 1
    wanted = frozenset(entry.case_id for entry in entries[::step][: limit or None])
    scores: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number, case in enumerate(track(source.read(root, wanted), "check images", len(wanted))):
        value = case.inputs.get(modality) if isinstance(case, Case) else None
        if value is None:
            continue
        for kind, change in KINDS.items():
            image = change(value.arrays[0].values, np.random.default_rng([seed, number]))
            scores[kind].append(image_score(model, modality, spec, image))
    if not scores[AS_IT_IS]:
        raise CohortError(f"No case of {root} has the input {modality!r}.", remedy="give another")
    return [_marked(kind, found) for kind, found in scores.items()]


def check_files(model: Model, folder: Path) -> list[Marked]:
    """Rates on every file below a folder, by DICOM modality and body part; refusals are counted."""
    modality, spec = _image_modality(model)
    scores: dict[str, list[float]] = {}
    refused = 0
    for value in _files(folder):
        if value is None:
            refused += 1
            continue
        parts = (value.source.get("Modality", ""), value.source.get("BodyPartExamined", ""))
        kind = " ".join(part for part in parts if part) or "no DICOM modality"
        scores.setdefault(kind, []).append(image_score(model, modality, spec, value.values))
    found = [_marked(kind, scores[kind]) for kind in sorted(scores)]
    return [*found, Marked(REFUSED, refused, refused, float("nan"))]


def _files(folder: Path) -> Iterator[Array | None]:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            yield read_image(file)
        except ImageError:
            yield None


def image_score(model: Model, modality: str, spec: EncoderSpec, image: Image) -> float:
    """Distance of one image from the training cases as a multiple of the limit."""
    value = Arrays((Array(np.ascontiguousarray(image, dtype=np.float32)),))
    envelope = model.envelopes[modality]
    prepared = radiograph.prepare(value, spec.settings)
    embedding = mean_embedding(prepared, radiograph.EMBEDDING)
    if embedding is None:
        return float("inf")
    return domain.distance(envelope, embedding) / envelope.limit


def _image_modality(model: Model) -> tuple[str, EncoderSpec]:
    for name, spec in model.specs.items():
        if spec.encoder == RADIOGRAPH and name in model.envelopes:
            return name, spec
    raise ModelError("The model does not read images.", remedy="give another model with --model")


def _marked(kind: str, scores: Sequence[float]) -> Marked:
    found = np.asarray(scores)
    return Marked(kind, len(found), int((found > 1).sum()), float(np.median(found)))


def table(rows: Sequence[Marked]) -> str:
    """The rates as Markdown."""
    lines = ["| images | number | marked | median score |", "|---|---|---|---|"]
    for row in rows:
        share = f"{row.marked} ({row.marked / row.images:.0%})" if row.images else "-"
        median = "-" if np.isnan(row.median) else f"{row.median:.2f}"
        lines.append(f"| {row.kind} | {row.images} | {share} | {median} |")
    return "\n".join(lines) + "\n"
