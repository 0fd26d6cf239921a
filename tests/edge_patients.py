"""Seven patients at the edge of what the page is made for, as a cohort and as a workspace.

    python tests/edge_patients.py OUT [PATH of nih_chestxray]

writes OUT/cohort, assesses it with the model that ships, and leaves OUT/workspace to be served. The
seventh is a real film, where there is one.
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipelines.assessing.batch import Run, assess_cohort
from pipelines.commands.demo import SAMPLE_DATA
from pipelines.jobs.executors import Workers

SHOCK, CHILD, IMAGE, NOTES, PAGES, NO_NOTES, REAL = (
    "edge-shock",
    "edge-child",
    "edge-image",
    "edge-notes",
    "edge-pages",
    "edge-no-notes",
    "edge-real",
)
DECISION = "2026-03-04T09:40:00+00:00"
BEFORE = "2026-03-04T09:10:00+00:00"
FILMS = {IMAGE: "sim-2026-000001", NO_NOTES: "sim-2026-000004"}
"""Case to the one of the embedded cohort whose film and patient it has."""

SICK = (
    ("8480-6", "78", "mm[Hg]"),
    ("8462-4", "41", "mm[Hg]"),
    ("8867-4", "134", "/min"),
    ("9279-1", "32", "/min"),
    ("59408-5", "84", "%"),
    ("8310-5", "39.4", "Cel"),
    ("2524-7", "5.8", "mmol/L"),
    ("2823-3", "6.9", "mmol/L"),
    ("1988-5", "312", "mg/L"),
    ("2160-0", "284", "umol/L"),
    ("6690-2", "24.1", "10*9/L"),
)
INFANT = (
    ("8867-4", "168", "/min"),
    ("9279-1", "58", "/min"),
    ("59408-5", "91", "%"),
    ("8310-5", "38.9", "Cel"),
    ("1988-5", "42", "mg/L"),
    ("6690-2", "15.2", "10*9/L"),
)
STABLE = (
    ("8480-6", "128", "mm[Hg]"),
    ("8867-4", "88", "/min"),
    ("9279-1", "18", "/min"),
    ("59408-5", "95", "%"),
    ("8310-5", "37.4", "Cel"),
    ("1988-5", "18", "mg/L"),
    ("33762-6", "1450", "ng/L"),
)
NOTE = (
    "Three days of cough with green sputum, fever and pain on the right when breathing in. Short of"
    " breath on the stairs since yesterday. No leg swelling, no travel, no contact with anyone ill."
)
PAGE = (
    "Seen on the ward round. Slept badly, breathless on lying flat. Oedema to the knees, no chest"
    " pain. Weight up by two kilograms since the last visit. Furosemide increased, potassium to be"
    " checked tomorrow. Discussed with the family, who are worried about the stairs at home."
    " Appetite poor. Bowels open. Mobilises with one stick. Crackles at both bases, worse on the"
    " right. "
)


def write(root: Path, nih: Path | None = None) -> Path:
    """Write the cohort into `root`, with the real film where its cohort is given."""
    (root / "images").mkdir(parents=True)
    people = {
        SHOCK: ("edge-p1", "male", "71"),
        CHILD: ("edge-p2", "female", "1"),
        NOTES: ("edge-p4", "female", "48"),
        PAGES: ("edge-p5", "male", "83"),
        **{case: (f"{film[:9]}p{film[9:]}", "", "") for case, film in FILMS.items()},
    }
    images = [(case, f"images/{case}.dcm", "PA", "", BEFORE, "") for case in FILMS]
    for case, film in FILMS.items():
        shutil.copy(SAMPLE_DATA / "images" / f"{film}.dcm", root / "images" / f"{case}.dcm")
    if nih is not None:
        people[REAL] = ("edge-p7", "male", "76")
        film = "00000061_012.png"
        shutil.copy(nih / "images" / film, root / "images" / film)
        images.append((REAL, f"images/{film}", "AP", "MONOCHROME2", BEFORE, ""))
    decided = {case: _decision(film) for case, film in FILMS.items()}
    rows = [(case, *who, decided.get(case, DECISION)) for case, who in people.items()]
    _table(root, "cases", ("case_id", "patient_id", "sex", "age_years", "decision_time"), rows)
    _table(
        root,
        "images",
        ("case_id", "path", "view", "photometric", "time", "role"),
        [(*row[:4], "" if row[0] in FILMS else row[4], row[5]) for row in images],
    )
    measured = [(SHOCK, SICK), (CHILD, INFANT), (NO_NOTES, STABLE), (PAGES, STABLE)]
    _table(
        root,
        "measurements",
        ("case_id", "code", "value", "unit", "time"),
        [
            (case, *cells, decided.get(case, BEFORE))
            for case, values in measured
            for cells in values
        ],
    )
    _table(
        root,
        "history",
        ("case_id", "code", "display"),
        [(CHILD, "Z87.0", "Bronchiolitis at six months"), (NO_NOTES, "I50.9", "Heart failure")],
    )
    pages = [(PAGES, "note", f"Page {number}. {PAGE * 6}", BEFORE) for number in range(1, 61)]
    notes = [
        (CHILD, "presenting_complaint", "Cough and noisy breathing since the night.", BEFORE),
        (NOTES, "presenting_complaint", NOTE, BEFORE),
        *pages,
    ]
    _table(root, "notes", ("case_id", "section", "text", "time"), notes)
    (root / "cohort.toml").write_text('name = "Seven patients at the edge"\n', encoding="utf-8")
    return root


def make_workspace(out: Path, nih: Path | None = None) -> Path:
    """The cohort, assessed by the model that ships, as a workspace below `out`."""
    cohort = write(out / "cohort", nih)
    workspace = out / "workspace"
    assess_cohort(Run(cohort, "folder", None, out / "assessments", workspace, Workers("serial")))
    return workspace


def _decision(film: str) -> str:
    with (SAMPLE_DATA / "cases.csv").open(newline="", encoding="utf-8") as file:
        return next(row["decision_time"] for row in csv.DictReader(file) if row["case_id"] == film)


def _table(root: Path, stem: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with (root / f"{stem}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)


if __name__ == "__main__":
    nih_path = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    sys.stdout.write(f"{make_workspace(Path(sys.argv[1]), nih_path)}\n")
