"""Real frontal films of four public sources, with one label: is an opacity described, or nothing?

`nih` (two parts of ChestX-ray14, one hospital), `kermany` (children, Guangzhou), `hannover` (one
hospital, COVID-19) and `covid` (Cohen's collection, many hospitals), in folders of the names in
`FOLDERS`, each as its authors publish it; a folder that is not there is left out.

- **An opacity** is a film whose label names pneumonia, consolidation, infiltration, edema or
  atelectasis (`nih`; mined from reports by a program), lies in the folder PNEUMONIA (`kermany`), or
  whose finding is a pneumonia of any cause or ARDS (`covid`). **None** is "No Finding" or the
  folder NORMAL. Everything else is unknown: so are all of `hannover`, whose patients have COVID-19
  but whose films nobody described.
- **What may teach.** Only what the licence allows in weights that are given away: NIH (with
  attribution), CC BY, Apache. Films under NC or SA terms test and never teach.
- **Kermany** is far larger than the others: a fixed draw of `KERMANY_EACH` films without and with
  pneumonia (half bacterial, half viral), by the SHA-256 of the file's name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Array
from clinical.cohorts import covid_chestxray, hannover, nih_chestxray
from clinical.cohorts.cohort import Source
from clinical.modalities.kit import person
from clinical.modalities.radiograph.rows import IMAGE
from clinical.tables import pixels, table

FOLDERS: dict[str, tuple[str, ...]] = {
    "nih": ("nih_chestxray", "nih_chestxray_more"),
    "kermany": ("kermany_paediatric",),
    "hannover": ("hannover",),
    "covid": ("covid_chestxray",),
}
"""Source to the folders that hold its films."""

OPACITIES = frozenset({"atelectasis", "consolidation", "edema", "infiltration", "pneumonia"})
NOTHING = "no_finding"

NOT_DESCRIBED = frozenset({"", "todo", "Unknown"})
NOTHING_FOUND = "No Finding"

KERMANY_EACH = 400
_KERMANY = Path("chest_xray/train")
_KERMANY_KINDS = (
    ("NORMAL", re.compile(r"IM-(\d+)"), (("", KERMANY_EACH),)),
    (
        "PNEUMONIA",
        re.compile(r"person(\d+)_"),
        (("bacteria", KERMANY_EACH // 2), ("virus", KERMANY_EACH // 2)),
    ),
)


@dataclass(frozen=True, eq=False)
class Film:
    """One film as its source has it.

    Attributes:
        source: a key of `FOLDERS`.
        film_id, patient_id: unique over all sources.
        image: pixels, MONOCHROME2.
        view: AP, PA, ..., as the source writes it; "" where it does not.
        licence: of the image.
        opacity: True, False, or None for unknown.
        sex, age_years: where they are known.
    """

    source: str
    film_id: str
    patient_id: str
    image: Array
    view: str
    licence: str
    opacity: bool | None
    sex: str = ""
    age_years: float | None = None

    @property
    def may_teach(self) -> bool:
        """Whether weights that learnt from it may be given away."""
        return teaches(self.licence)


def teaches(licence: str) -> bool:
    """Whether a licence lets weights be given away: attribution at the most is asked for."""
    words = re.split(r"[\s\-]+", licence.upper())
    free = "BY" in words or "APACHE" in words or "ATTRIBUTION" in words
    return free and not {"NC", "SA", "ND"} & set(words)


def films(root: Path, problems: list[Problem]) -> Iterator[Film]:
    """Every film that can be read, source by source.

    Args:
        root: folder that holds the folders of `FOLDERS`.
        problems: gets those of each film that cannot be read.
    """
    yield from _nih(root, problems)
    for folder in _there(root, "kermany"):
        yield from _kermany(folder, problems)
    for folder in _there(root, "hannover"):
        licence = hannover.describe(folder).licence
        for case, image in _read(hannover, folder, problems):
            yield _film("hannover", case, image, licence, None)
    for folder in _there(root, "covid"):
        described = _covid_findings(folder)
        for case, image in _read(covid_chestxray, folder, problems):
            licence = image.source.get("licence", "")
            yield _film("covid", case, image, licence, described.get(case.case_id))


def _there(root: Path, source: str) -> Sequence[Path]:
    return [root / name for name in FOLDERS[source] if (root / name).is_dir()]


def _read(source: Source, root: Path, problems: list[Problem]) -> Iterator[tuple[Case, Array]]:
    for reading in source.read(root):
        if isinstance(reading, Problem):
            problems.append(reading)
        elif isinstance(reading, SkippedCase):
            problems.append(reading.problem)
        elif IMAGE in reading.inputs:
            yield reading, reading.inputs[IMAGE].arrays[0]
        else:
            problems += reading.problems


def _film(source: str, case: Case, image: Array, licence: str, opacity: bool | None) -> Film:
    known = person(case)
    return Film(
        source,
        f"{source}-{case.case_id}",
        f"{source}-{case.patient_id}",
        image,
        image.source.get("ViewPosition", ""),
        licence,
        opacity,
        known.sex or "",
        known.age_years,
    )


def _nih(root: Path, problems: list[Problem]) -> Iterator[Film]:
    """Both parts are one hospital and share patients; a film that is in both is taken once."""
    seen: set[str] = set()
    for folder in _there(root, "nih"):
        labels: dict[str, set[str]] = {}
        for outcome in nih_chestxray.outcomes(folder):
            if outcome.value:
                labels.setdefault(outcome.case_id, set()).add(outcome.diagnosis)
        for case, image in _read(nih_chestxray, folder, problems):
            if case.case_id in seen:
                continue
            seen.add(case.case_id)
            named = labels.get(case.case_id, set())
            opacity = True if named & OPACITIES else False if named == {NOTHING} else None
            yield _film("nih", case, image, image.source["licence"], opacity)


def _covid_findings(root: Path) -> dict[str, bool | None]:
    columns = table.Columns(("patientid", "finding"))
    count: dict[str, int] = {}
    found: dict[str, bool | None] = {}
    for row in table.demand(table.load(root, covid_chestxray.FILE, columns)).rows:
        patient, finding = row["patientid"], row["finding"]
        # As the reader of this source numbers its cases.
        count[patient] = count.get(patient, 0) + 1
        known = None if finding in NOT_DESCRIBED else finding != NOTHING_FOUND
        found[f"{patient}-{count[patient]}"] = known
    return found


def _kermany(root: Path, problems: list[Problem]) -> Iterator[Film]:
    for folder, patient, kinds in _KERMANY_KINDS:
        files = sorted((root / _KERMANY / folder).glob("*.jpeg"), key=_drawn)
        for word, number in kinds:
            for file in [file for file in files if word in file.name][:number]:
                whose = patient.search(file.name)
                place = Problem(folder, "")
                path = file.relative_to(root).as_posix()
                image = pixels.load(root, place, path, photometric="MONOCHROME2")
                if isinstance(image, Problem) or whose is None:
                    problems.append(image if isinstance(image, Problem) else place)
                    continue
                yield Film(
                    "kermany",
                    f"kermany-{file.stem}",
                    f"kermany-{folder[0]}{whose[1]}",
                    image,
                    "AP",
                    "CC BY 4.0",
                    folder == "PNEUMONIA",
                )


def _drawn(file: Path) -> str:
    return hashlib.sha256(file.name.encode()).hexdigest()
