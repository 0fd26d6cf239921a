"""Gather the real films of several sources as one cohort in the folder format.

    out/ cohort.toml, cases.csv, images.csv, outcomes.csv, images/FILM.png
         skipped.csv     why films that are not there could not be read

The site of a case is its source, so that `[evaluation] split = "site"` leaves whole sources out;
`split` is learn or test by licence (`sources.teaches`). Films are reduced to `LONGER_SIDE` pixels
and 8 bits, all in the same way, because the size of a file tells the label in these sets.

The cohort goes to a hidden sibling folder that is renamed at the end, so it is there whole or not
at all; a run that was stopped keeps the films that are done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from clinical.case.case import Problem
from clinical.case.shapes import Array
from clinical.errors import CohortError, ConfigError
from clinical.tables import spreadsheet
from pipelines.jobs.progress import bar
from pipelines.laboratory.real_films import sources
from pipelines.laboratory.real_films.sources import Film

LONGER_SIDE = 320
LEARN, TEST = "learn", "test"
OPACITY = "opacity"
SKIPPED = "skipped.csv"

TABLES = {
    "cases": ("case_id", "patient_id", "site", "split", "sex", "age_years", "view", "licence"),
    "images": ("case_id", "path", "view", "photometric"),
    "outcomes": ("case_id", "diagnosis", "value"),
}

_COHORT = """\
name = "Real frontal films of {number} sources"
source = "{names}"
licence = "of each film, in cases.csv"
time_zone = "UTC"

[[diagnoses]]
name = "opacity"
"""

_VALUES = {True: "1", False: "0", None: ""}


def gather(root: Path, out: Path) -> Counter[tuple[str, str, str]]:
    """Write the cohort; returns how many films there are by source, split and value of the label.

    Args:
        root: folder that holds the folders of the sources (`sources.FOLDERS`).
        out: folder to make; may exist if it is empty.

    Raises:
        CohortError: if `root` holds none of the sources.
        ConfigError: if `out` is in use.
    """
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"{out} is not empty.", remedy="choose another folder")
    partial = out.with_name(f".{out.name}.partial")
    (partial / "images").mkdir(parents=True, exist_ok=True)
    problems: list[Problem] = []
    films: list[Film] = []
    with bar() as progress:
        task = progress.add_task("gather films", total=None, note="")
        for film in sources.films(root, problems):
            films.append(_kept(film, partial))
            progress.update(task, completed=len(films), note=film.source)
    if not films:
        names = ", ".join(name for folders in sources.FOLDERS.values() for name in folders)
        raise CohortError(f"{root} holds none of {names}.", remedy="give the folder above them")
    _write(partial, films)
    told = [(one.file, str(one.row or ""), one.column or "", one.reason) for one in problems]
    _table(partial / SKIPPED, ("file", "row", "column", "reason"), told)
    if out.exists():
        out.rmdir()
    partial.rename(out)
    return Counter((film.source, split(film), _VALUES[film.opacity]) for film in films)


def split(film: Film) -> str:
    """Whether a film may teach weights that are given away, or only tests."""
    return LEARN if film.may_teach else TEST


def small(image: Array) -> Image.Image:
    """The film in 8 bits, its longer side `LONGER_SIDE` pixels at the most.

    Intensities between the 0.5 and 99.5 percentile take the 256 levels, as the encoder takes them.
    """
    low, high = np.percentile(image.values, [0.5, 99.5])
    plain = np.clip((image.values - low) / max(float(high - low), 1e-6), 0, 1)
    scale = min(1.0, LONGER_SIDE / max(plain.shape))
    size = (max(1, round(plain.shape[1] * scale)), max(1, round(plain.shape[0] * scale)))
    picture = Image.fromarray(plain.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    return Image.fromarray(np.round(np.asarray(picture) * 255).astype(np.uint8))


def _kept(film: Film, folder: Path) -> Film:
    """The film without its pixels, which are in a file."""
    file = folder / _path(film)
    if not file.exists():
        unfinished = file.with_suffix(".part")
        small(film.image).save(unfinished, format="PNG")
        unfinished.replace(file)
    nothing = Array(np.zeros((1, 1), np.float32))
    return Film(**{**vars(film), "image": nothing})


def _path(film: Film) -> str:
    return f"images/{film.film_id}.png"


def _write(folder: Path, films: Sequence[Film]) -> None:
    names = list(dict.fromkeys(film.source for film in films))
    text = _COHORT.format(number=len(names), names=", ".join(names))
    (folder / "cohort.toml").write_text(text, encoding="utf-8")
    rows: dict[str, list[tuple[str, ...]]] = {name: [] for name in TABLES}
    for film in films:
        case, age = film.film_id, film.age_years
        told = (film.sex, "" if age is None else f"{age:g}", film.view, film.licence)
        rows["cases"].append((case, film.patient_id, film.source, split(film), *told))
        rows["images"].append((case, _path(film), film.view, "MONOCHROME2"))
        rows["outcomes"].append((case, OPACITY, _VALUES[film.opacity]))
    for name, lines in rows.items():
        _table(folder / f"{name}.csv", TABLES[name], lines)


def _table(file: Path, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    rows = [spreadsheet.line(row, end="\n") for row in (columns, *lines)]
    file.write_text("".join(rows), encoding="utf-8", newline="")
