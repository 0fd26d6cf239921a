"""NIH ChestX-ray14: Data_Entry_2017_v2020.csv and images/ as published, or a part of it.

One case for each image (Wang et al., CVPR 2017, doi:10.1109/CVPR.2017.369). No dates are given, so
`decision_time` is None. Labels were mined from reports by a program and are wrong in places.

- Spacing. The table gives pixel size and size of the *original*; published images were resampled to
  a square without keeping the aspect ratio. Spacing here is original size in mm divided by the
  pixels of the file, apart for rows and columns, so a model that resamples by spacing undoes the
  distortion.
- **Confounded.** Detector size, view and patient predict the labels of the published subsets;
  spacing and the shape of the image carry the detector. Test such a model on another hospital.
- `Follow-up #` counts a patient's earlier images and follows disease; it is not an input.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace
from pathlib import Path

from clinical.case.case import Case, Outcome, Problem, SkippedCase
from clinical.case.shapes import Array, Arrays, Events, Shape
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Diagnosis, Reading, settle
from clinical.errors import CohortError
from clinical.tables import clock, demographics, pixels, table
from clinical.tables.table import Columns, Row, Table

NAME = "nih_chestxray"
FILE = "Data_Entry_2017_v2020.csv"
SITE = "NIH Clinical Center"

FINDINGS: dict[str, str] = {
    "Atelectasis": "atelectasis",
    "Cardiomegaly": "cardiomegaly",
    "Consolidation": "consolidation",
    "Edema": "edema",
    "Effusion": "effusion",
    "Emphysema": "emphysema",
    "Fibrosis": "fibrosis",
    "Hernia": "hernia",
    "Infiltration": "infiltration",
    "Mass": "mass",
    "Nodule": "nodule",
    "Pleural_Thickening": "pleural_thickening",
    "Pneumonia": "pneumonia",
    "Pneumothorax": "pneumothorax",
    "No Finding": "no_finding",
}
"""Label in the table to name of the diagnosis."""

# The published header holds commas inside brackets without quotes, so each of these is two columns.
WIDTH, HEIGHT = "OriginalImage[Width", "Height]"
SPACING_X, SPACING_Y = "OriginalImagePixelSpacing[x", "y]"

COLUMNS = Columns(
    (
        "Image Index",
        "Finding Labels",
        "Patient ID",
        "Patient Age",
        "Patient Gender",
        "View Position",
        WIDTH,
        HEIGHT,
        SPACING_X,
        SPACING_Y,
    )
)


def describe(root: Path) -> CohortDescription:
    """Name, origin, licence and the fifteen labels."""
    _table(root)
    return CohortDescription(
        "NIH ChestX-ray14",
        "NIH Clinical Center, doi:10.1109/CVPR.2017.369",
        "no restriction; attribution to the NIH Clinical Center",
        tuple(Diagnosis(name) for name in FINDINGS.values()),
    )


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each image."""
    rows, _ = table.unique(_table(root), "Image Index")
    return tuple(CaseEntry(_case_id(row), row["Patient ID"], SITE) for row in rows)


def read(root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
    """Cases with `image` and `history` (age, sex) where they are there."""
    found = _table(root)
    yield from found.problems
    rows, repeated = table.unique(found, "Image Index")
    yield from repeated
    for row in rows:
        if wanted is None or _case_id(row) in wanted:
            yield from _case(root, row)


def outcomes(root: Path) -> Iterator[Outcome]:
    """Fifteen outcomes for each image, each True or False."""
    for row in table.unique(_table(root), "Image Index")[0]:
        labels = set(row["Finding Labels"].split("|"))
        if row.fault or not labels <= set(FINDINGS):
            raise CohortError(
                f"{FILE}, row {row.number}, column Finding Labels: a label is not of this set.",
                remedy="use the file as published",
            )
        for label, name in FINDINGS.items():
            yield Outcome(_case_id(row), name, label in labels)


def _table(root: Path) -> Table:
    return table.demand(table.load(root, FILE, COLUMNS))


def _case_id(row: Row) -> str:
    return row["Image Index"].removesuffix(".png")


def _case(root: Path, row: Row) -> Iterator[Reading]:
    case_id = _case_id(row)
    if row.fault:
        yield SkippedCase(case_id, replace(row.fault, case_id=case_id))
        return
    problems: list[Problem] = []
    inputs: dict[str, Shape] = {}
    image = _image(root, row, problems)
    if image is not None:
        inputs["image"] = Arrays((image,))
    known = demographics.person(FILE, row, "Patient Age", "Patient Gender", problems)
    if known != Events():
        inputs["history"] = known
    nothing = Problem(FILE, "the row holds no input.", row.number)
    yield from settle(Case(case_id, row["Patient ID"], None, inputs, SITE), problems, nothing)


def _image(root: Path, row: Row, problems: list[Problem]) -> Array | None:
    place = Problem(FILE, "", row.number, "Image Index")
    path = f"images/{row['Image Index']}"
    found = pixels.load(root, place, path, photometric="MONOCHROME2")
    if isinstance(found, Problem):
        problems.append(found)
        return None
    step = _spacing(row, found.values.shape)
    if isinstance(step, Problem):
        problems.append(step)
    spacing = None if isinstance(step, Problem) else step
    facts = {"ViewPosition": row["View Position"], "licence": "NIH Clinical Center, attribution"}
    return replace(found, spacing=spacing, source={**found.source, **facts})


def _spacing(row: Row, shape: tuple[int, ...]) -> tuple[float, float] | Problem:
    """mm per row and per column of the resampled file."""
    values = [clock.number(row[name]) for name in (HEIGHT, SPACING_Y, WIDTH, SPACING_X)]
    known = [value for value in values if value is not None and value > 0]
    if len(known) < len(values):
        reason = "size or pixel spacing of the original is not a positive number."
        return Problem(FILE, reason, row.number, SPACING_X, "use the file as published")
    height, down, width, across = known
    return height * down / shape[0], width * across / shape[1]
