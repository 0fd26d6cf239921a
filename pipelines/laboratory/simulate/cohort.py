"""Write simulated cases as a cohort in the folder format, with DICOM images and finding masks.

    out/ cohort.toml, simulation.json, the tables (CSV), images/CASE.dcm, masks/CASE-finding.png,
         and for each further sense a table and a folder of its name

Cases are drawn and rendered one by one, in any number of processes, and written in case order, so
memory does not grow with the cohort and the bytes do not depend on the processes. Everything goes
to a hidden sibling folder that is renamed at the end: a cohort is there whole or not at all. A run
that was stopped resumes where it stopped, keeping the images that are done.
"""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clinical import canonical
from clinical.dicom.write import NOTICE, RadiographHeader, derived_uid, write_radiograph
from clinical.errors import ConfigError
from pipelines.jobs.workers import in_order
from pipelines.laboratory.simulate import clinic, likelihoods, senses
from pipelines.laboratory.simulate.clinic import LABELS, SimulatedPatient, draw_patient
from pipelines.laboratory.simulate.design import Design
from pipelines.laboratory.simulate.examination import RadiographSpec
from pipelines.laboratory.simulate.radiograph import Radiograph, render
from pipelines.laboratory.simulate.senses import Owner, Sense

TABLES = {
    "cases": ("case_id", "patient_id", "decision_time", "site", "split", "sex", "age_years"),
    "images": ("case_id", "path", "view", "time", "role"),
    "measurements": ("case_id", "code", "value", "unit", "time"),
    "history": ("case_id", "code", "display", "onset", "present"),
    "notes": ("case_id", "section", "text", "time"),
    "outcomes": ("case_id", "diagnosis", "value"),
    "masks": ("case_id", "finding", "path"),
}
"""Columns of each table; `split` is empty, because splitting is the study's business."""

MANUFACTURER = "Triptych simulation"

_DONE = ".done"

Rows = dict[str, list[tuple[str, ...]]]


@dataclass(frozen=True)
class _Task:
    """One case to make."""

    seed: int
    number: int
    rows: int
    folder: Path
    design: Design


def simulate(
    cases: int,
    seed: int,
    out: Path,
    *,
    first: int = 0,
    rows: int = 512,
    jobs: int = 1,
    design: Design = clinic.PLAIN,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write cases `first` to `first + cases - 1` of the simulated clinic to the new folder `out`.

    The same (cases, seed, first, rows, design) give the same bytes, whatever `jobs`, and a case is
    the same in every cohort of its seed, rows and design.

    Args:
        cases: how many, at least 1.
        seed: of the clinic, not negative.
        out: folder to make; may exist if it is empty.
        first: number of the first case, not negative.
        rows: of each square radiograph, at least 32.
        jobs: processes.
        design: what goes missing, what is planted, and what is recorded besides.
        progress: called with the number of cases done so far.

    Raises:
        ConfigError: if an argument is out of range or `out` is in use.
    """
    _check_arguments(cases, seed, first, rows, jobs)
    record = _record(cases, seed, first, rows, design)
    partial = _prepare(out, record, ["images", "masks", *set(_tables(design)) - set(TABLES)])
    numbers = range(first, first + cases)
    tasks = (_Task(seed, number, rows, partial, design) for number in numbers)
    with contextlib.ExitStack() as stack:
        writers = {
            name: _table(stack, partial / f"{name}.csv", columns)
            for name, columns in _tables(design).items()
        }
        for done, made in enumerate(in_order(_make, tasks, jobs), start=1):
            for name, lines in made.items():
                writers[name].writerows(lines)
            if progress is not None:
                progress(done)
    (partial / "cohort.toml").write_text(_settings(cases, seed), encoding="utf-8")
    (partial / "simulation.json").write_text(_json(record), encoding="utf-8")
    shutil.rmtree(partial / _DONE)
    if out.exists():
        out.rmdir()
    partial.rename(out)


def _check_arguments(cases: int, seed: int, first: int, rows: int, jobs: int) -> None:
    limits = {"cases": (cases, 1), "seed": (seed, 0), "first": (first, 0), "rows": (rows, 32)}
    for name, (value, least) in {**limits, "jobs": (jobs, 1)}.items():
        if value < least:
            raise ConfigError(f"{name} is {value}.", remedy=f"Use {least} or more.")


def _record(cases: int, seed: int, first: int, rows: int, design: Design) -> dict[str, Any]:
    """What was asked for, and of which clinic: simulation.json."""
    record: dict[str, Any] = {
        "notice": NOTICE,
        "cases": cases,
        "seed": seed,
        "first": first,
        "rows": rows,
        "missing": design.missing,
        "shortcut": design.shortcut,
        "likelihoods": likelihoods.load().digest,
    }
    # Left out where there are none, as it was before there were any.
    if design.senses:
        record["senses"] = {name: senses.senses()[name].digest() for name in design.senses}
    return record


def _tables(design: Design) -> dict[str, tuple[str, ...]]:
    """Columns of every table of a cohort."""
    further = {senses.senses()[name].table: senses.COLUMNS for name in design.senses}
    return {**TABLES, **further}


def _stamp(record: dict[str, Any]) -> str:
    """All that images depend on, so the code that makes them too."""
    here = Path(__file__).parent
    sources = sorted(path for path in here.rglob("*") if path.suffix in (".py", ".toml"))
    return _json({**record, "sources": [canonical.sha256(path.read_bytes()) for path in sources]})


def _prepare(out: Path, record: dict[str, Any], folders: Sequence[str]) -> Path:
    """The hidden folder to write to, empty or left by an equal run that was stopped."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(
            f"{out.name} is already there and not empty.",
            remedy="Choose a new folder, or remove that one.",
        )
    partial = out.with_name(f".{out.name}.partial")
    stamp = partial / _DONE / "stamp.json"
    if partial.exists():
        if not stamp.exists():
            raise ConfigError(
                f"{partial.name} exists, but is not an unfinished simulation.",
                remedy="Move it away, or choose another folder.",
            )
        if stamp.read_text(encoding="utf-8") != _stamp(record):
            shutil.rmtree(partial)
    # The stamp first, so that whatever is in the folder can be told to be ours.
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(_stamp(record), encoding="utf-8")
    for name in folders:
        (partial / name).mkdir(exist_ok=True)
    return partial


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"


def _table(stack: contextlib.ExitStack, path: Path, columns: Sequence[str]) -> Any:
    file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    return writer


def _make(task: _Task) -> Rows:
    """Draw one case, write its files unless they are there, and give its rows."""
    patient = draw_patient(task.seed, task.number, design=task.design)
    rows = table_rows(patient)
    if patient.radiograph is not None:
        found = _image_files(task, patient, patient.radiograph)
        case = patient.case_id
        rows["masks"] = [(case, finding, _mask_path(case, finding)) for finding in found]
    if patient.earlier is not None:
        rows["images"].append(_prior(task, patient, patient.earlier))
    for name in task.design.senses:
        sense = senses.senses()[name]
        rows[sense.table] = _recordings(task, sense, patient)
    return rows


def _recordings(task: _Task, sense: Sense, patient: SimulatedPatient) -> list[tuple[str, ...]]:
    """Write what a further sense recorded at this visit and at an earlier one; their rows."""
    rows: list[tuple[str, ...]] = []
    earlier = clinic.earlier_visit(task.seed, task.number, likelihoods.load())
    for number, role in ((task.number, ""), (earlier, "prior")):
        if number is None:
            continue
        shown = patient if not role else draw_patient(task.seed, number, design=task.design)
        if sense.name not in shown.recorded:
            continue
        stem = f"{sense.table}/{patient.case_id}{'-' if role else ''}{role}"
        owner = Owner(
            shown.case_id, shown.patient_id, shown.person, shown.site, shown.decision_time
        )
        signal = clinic.sense_stream(task.seed, number, sense.name, 2)
        time = sense.write(task.folder / stem, shown.recorded[sense.name], owner, signal)
        rows.append((patient.case_id, f"{stem}{sense.ending}", _iso(time), role))
    return rows


def _prior(task: _Task, patient: SimulatedPatient, number: int) -> tuple[str, ...]:
    """Write the radiograph of the patient's earlier case once more, and give its row.

    A copy, so that a case is the same wherever its cohort begins.
    """
    earlier = draw_patient(task.seed, number, design=task.design)
    if earlier.radiograph is None:
        raise AssertionError("the earlier case has no radiograph")
    path = f"images/{patient.case_id}-prior.dcm"
    if not (task.folder / _DONE / f"{patient.case_id}-prior").exists():
        _write_image(
            task.folder / path,
            earlier,
            earlier.radiograph,
            _rendered(task, number, earlier.radiograph),
        )
        (task.folder / _DONE / f"{patient.case_id}-prior").touch()
    return patient.case_id, path, earlier.radiograph.view, _iso(earlier.acquired), "prior"


def table_rows(patient: SimulatedPatient) -> Rows:
    """The rows of one case in each of `TABLES` but masks.csv, as text."""
    case = patient.case_id
    age = "" if patient.age_years is None else str(patient.age_years)
    decided = _iso(patient.decision_time)
    who = (case, patient.patient_id, decided, patient.site, "", patient.sex or "", age)
    image = patient.radiograph
    return {
        "cases": [who],
        "images": [(case, _image_path(case), image.view, _iso(patient.acquired), "")]
        if image
        else [],
        "measurements": [
            (case, row.code, row.value, row.unit, _iso(row.time)) for row in patient.measurements
        ],
        "history": [
            (case, event.code, event.display, _iso(event.onset), str(int(event.present)))
            for event in patient.events
        ],
        "notes": [(case, note.section, note.text, _iso(note.time)) for note in patient.notes],
        "outcomes": [(case, name, str(int(name in patient.diagnoses))) for name in LABELS],
    }


def _image_files(task: _Task, patient: SimulatedPatient, spec: RadiographSpec) -> list[str]:
    """Render and write image and masks; the findings that have a mask."""
    done = task.folder / _DONE / patient.case_id
    if done.exists():
        return done.read_text(encoding="utf-8").split()
    radiograph = _rendered(task, task.number, spec)
    found = sorted(name for name, mask in radiograph.masks.items() if mask.any())
    for name in found:
        _write_mask(task.folder / _mask_path(patient.case_id, name), radiograph.masks[name])
    _write_image(task.folder / _image_path(patient.case_id), patient, spec, radiograph)
    # Written last and whole: a case without this file is made again.
    unfinished = done.with_name(f"{done.name}.new")
    unfinished.write_text("\n".join(found), encoding="utf-8")
    unfinished.rename(done)
    return found


def _rendered(task: _Task, number: int, spec: RadiographSpec) -> Radiograph:
    pixels = clinic.stream(task.seed, number, "pixels")
    return render(spec, pixels, rows=task.rows, body=clinic.body(task.seed, number))


def _write_image(
    path: Path, patient: SimulatedPatient, spec: RadiographSpec, radiograph: Radiograph
) -> None:
    write_radiograph(
        path,
        radiograph.pixels,
        _header(patient, spec),
        spacing_mm=radiograph.spacing_mm,
        window=radiograph.window,
        photometric=patient.photometric,
        compression=patient.compression,
    )


def _header(patient: SimulatedPatient, spec: RadiographSpec) -> RadiographHeader:
    study, series, instance = (
        derived_uid(MANUFACTURER, patient.case_id, level) for level in ("study", "series", "image")
    )
    return RadiographHeader(
        patient_id=patient.patient_id,
        patient_name=f"SIMULATED^{patient.patient_id}",
        sex=patient.person.sex,
        age_years=int(patient.person.age_years),
        acquired=patient.acquired,
        study_uid=study,
        series_uid=series,
        instance_uid=instance,
        view=spec.view,
        kvp=spec.kvp,
        institution=f"Simulated clinic, site {patient.site}",
        manufacturer=MANUFACTURER,
        comment="Simulated: no patient was radiographed.",
    )


def _write_mask(path: Path, mask: NDArray[np.bool_]) -> None:
    Image.fromarray(mask.astype(np.uint8) * 255).convert("1", dither=Image.Dither.NONE).save(
        path, format="PNG", optimize=True
    )


def _image_path(case_id: str) -> str:
    return f"images/{case_id}.dcm"


def _mask_path(case_id: str, finding: str) -> str:
    return f"masks/{case_id}-{finding}.png"


def _iso(time: datetime | None) -> str:
    return time.isoformat() if time else ""


def _settings(cases: int, seed: int) -> str:
    """cohort.toml."""
    table = likelihoods.load()
    lines = [
        f'name = "Simulated clinic, {cases} cases, seed {seed}"',
        'source = "triptych simulate"',
        'licence = "CC0-1.0"',
        f'time_zone = "{clinic.TIME_ZONE.key}"',
    ]
    for label in LABELS:
        condition = table.conditions.get(label)
        code = f"SCT:{condition.snomed} ICD-10:{condition.icd10}" if condition else ""
        lines += ["", "[[diagnoses]]", f'name = "{label}"', f'code = "{code}"']
    return "\n".join(lines) + "\n"
