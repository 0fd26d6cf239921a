"""Generated films as Triptych, pydicom and DCMTK read them: every disagreement has its reason.

`REASONS` is the table in docs/reading-images.md. A disagreement that it does not know fails.
"""

from __future__ import annotations

import shutil
import subprocess
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from generated_films import LOSSY, NATIVE, Film, film
from numpy.typing import NDArray
from pydicom.pixels import apply_modality_lut

from clinical.dicom.read import read_image
from clinical.errors import ImageError

Pixels = NDArray[Any]

SHORT, LONG = 48, 500
TOOLS = ("dcmdjpeg", "dcmdjpls", "dcmdrle", "dcmconv", "dcm2pnm")

EVERYONE = ("pydicom", "DCMTK, stored", "DCMTK, drawn")
BY_PYDICOM = ("pydicom", "DCMTK, stored")
REASONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("for processing", "reads"): EVERYONE,
    ("LUT shape INVERSE", "reads"): EVERYONE,
    ("slope 0", "reads"): EVERYONE,
    ("fewer bits stored than coded", "reads"): EVERYONE,
    ("a row more than there is", "reads"): ("DCMTK, drawn",),
    ("high bit above bits stored", "differs"): BY_PYDICOM,
    ("modality LUT of 12 bits", "refuses"): BY_PYDICOM,
}
"""What is not ordinary, how a reader answers to it otherwise than Triptych, and who does.

"Reads" what Triptych refuses, with a message. pydicom also says what is in the files that DCMTK
has decompressed. It knows no High Bit, for which DCMTK draws what Triptych reads, and no table of
12 bits. DCMTK draws rows that are not there.
"""

needs_dcmtk = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason="DCMTK is not on this machine"
)


def run(*command: str | Path) -> bool:
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
    return done.returncode == 0


def ours(path: Path) -> Pixels | str:
    try:
        return read_image(path).values
    except ImageError as error:
        return error.message


def by_pydicom(path: Path) -> Pixels | str | None:
    """Larger is denser, but for a constant; a message; or None where there is no decoder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = pydicom.dcmread(path)
            values = apply_modality_lut(data.pixel_array, data).astype(np.float64)
        except RuntimeError as error:
            return None if "plugin" in str(error).lower() else type(error).__name__
        except Exception as error:  # noqa: BLE001 - whatever it says of a broken file
            return type(error).__name__
    return -values if data.PhotometricInterpretation == "MONOCHROME1" else values


def decompressed(path: Path, made: Film) -> Path | None:
    """The file in explicit little endian, by DCMTK."""
    out = path.with_suffix(".raw.dcm")
    tool = "dcmdjpeg"
    if made.syntax in NATIVE:
        tool = "dcmconv"
    elif made.syntax == "RLE":
        tool = "dcmdrle"
    elif made.syntax.startswith("JPEG-LS"):
        tool = "dcmdjpls"
    return out if run(tool, "+te", path, out) else None


def shown_by_dcmtk(path: Path) -> Pixels | None:
    """What dcm2pnm draws from darkest to brightest, 0 to 65,535."""
    out = path.with_suffix(".pgm")
    if not run("dcm2pnm", "+Wm", "+opw", path, out):
        return None
    words = [
        word for line in out.read_text().splitlines() if line[:1] != "#" for word in line.split()
    ]
    columns, rows = int(words[1]), int(words[2])
    return np.array(words[4:], np.float64).reshape(rows, columns)


def same(one: Pixels, other: Pixels, made: Film) -> bool:
    """Equal but for a constant, padding left out."""
    if one.shape != other.shape:
        return False
    difference = (one.astype(np.float64) - other)[~made.padded]
    allowed = 2.0 * abs(made.slope) if made.syntax in LOSSY else 1e-3
    return float(np.ptp(difference)) <= allowed


def drawn_alike(one: Pixels, drawn: Pixels, made: Film) -> bool:
    """A rising straight line leads from the one to the other."""
    if one.shape != drawn.shape:
        return False
    x, y = one[~made.padded].astype(np.float64), drawn[~made.padded]
    rise, level = np.polyfit(x, y, 1)
    off = np.abs(rise * x + level - y).max() / max(rise, 1e-9)
    # DCMTK keeps of what a rescale gives the whole numbers only.
    return bool(rise > 0 and off <= max(1.0, 2.0 * abs(made.slope) * (made.syntax in LOSSY)))


def disagreements(path: Path, made: Film) -> Iterator[tuple[str, str]]:
    """Each reader that does otherwise than Triptych, and what: "reads", "refuses", "differs"."""
    mine = ours(path)
    raw = decompressed(path, made)
    readings: list[tuple[str, Pixels | str | None]] = [("pydicom", by_pydicom(path))]
    if made.syntax != "JPEG 2000":
        stored = by_pydicom(raw) if raw else "no output"
        readings.append(("DCMTK, stored", stored))
        drawn = shown_by_dcmtk(raw) if raw else None
        readings.append(("DCMTK, drawn", "no output" if drawn is None else drawn))
    for reader, found in readings:
        if found is None or (isinstance(mine, str) and isinstance(found, str)):
            continue
        if isinstance(mine, str):
            yield reader, "reads"
        elif isinstance(found, str):
            yield reader, "refuses"
        else:
            compare = drawn_alike if reader == "DCMTK, drawn" else same
            if not compare(mine, found, made):
                yield reader, "differs"


def reason_for(reader: str, how: str, made: Film) -> str:
    """What is not ordinary about the film and explains the disagreement, or ""."""
    known = (
        trait
        for (trait, answer), readers in REASONS.items()
        if trait in made.traits and answer == how and reader in readers
    )
    return next(known, "")


def compared(numbers: range, folder: Path) -> Counter[tuple[str, str, str]]:
    """Disagreements by reader, kind and reason, each of which must have one."""
    found: Counter[tuple[str, str, str]] = Counter()
    for number in numbers:
        path = folder / f"{number}.dcm"
        made = film(number, path)
        for reader, how in disagreements(path, made):
            reason = reason_for(reader, how, made)
            assert reason, f"film {number}, {made.syntax}, {sorted(made.traits)}: {reader} {how}"
            found[reader, how, reason] += 1
    return found


@needs_dcmtk
def test_some_films_as_others_read_them(tmp_path: Path) -> None:
    assert compared(range(SHORT), tmp_path)


@needs_dcmtk
@pytest.mark.slow
def test_many_films_as_others_read_them(tmp_path: Path) -> None:
    found = compared(range(LONG), tmp_path)
    for (reader, how, reason), count in sorted(found.items(), key=lambda item: -item[1]):
        print(f"{count:4} {reader:14} {how:8} {reason}")
    # All that the table says was seen.
    assert {(reason, how) for _, how, reason in found} == set(REASONS)


@needs_dcmtk
def test_another_value_would_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    made = film(1, path)
    values = ours(path)
    assert not isinstance(values, str)
    drawn = shown_by_dcmtk(path)
    assert drawn is not None
    assert drawn_alike(values, drawn, made)
    assert not drawn_alike(-values, drawn, made)
    other = values.copy()
    other[5, 5] += 40 * made.slope
    assert not same(other, values, made)
    assert not drawn_alike(other, drawn, made)
