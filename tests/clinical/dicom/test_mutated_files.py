"""Files with bytes changed, taken out or doubled: read or refused, and the worker lives on."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from generated_films import film
from numpy.random import Generator

from clinical.dicom import reader
from clinical.dicom.limits import Limits
from clinical.dicom.read import read_image
from clinical.errors import ImageError

FEW, MANY = 60, 600
LIMITS = Limits(seconds=10.0, memory_bytes=512 * 1024**2)


def mutated(data: bytes, random: Generator) -> bytes:
    """The same file after up to eight accidents of one kind; some only meet its header."""
    out = bytearray(data)
    kind, header = int(random.integers(5)), bool(random.integers(2))
    for _ in range(int(random.integers(1, 9))):
        at = int(random.integers(132, min(len(out), 1500) if header else len(out)))
        size = int(random.integers(1, 200))
        match kind:
            case 0:
                out[at] = int(random.integers(256))
            case 1:
                out[at : at + size] = random.integers(0, 256, size, np.uint8).tobytes()
            case 2 if len(out) > 1000:
                del out[at : at + size]
            case 3:
                out[at:at] = out[max(0, at - size) : at]
            case _:
                out[at : at + 2] = b"\xff\xff"
    return bytes(out)


def broken_down(numbers: range, folder: Path) -> list[int]:
    """The files after which there was another worker: one that fell, or that was ended."""
    found = []
    path, random = folder / "film.dcm", np.random.default_rng(5)
    worker = _running(folder)
    for number in numbers:
        film(number, path)
        path.write_bytes(mutated(path.read_bytes(), random))
        with contextlib.suppress(ImageError):
            read_image(path, limits=LIMITS)
        if reader.worker_pid() != worker:
            found.append(number)
            worker = _running(folder)
    return found


def _running(folder: Path) -> int | None:
    film(1, folder / "whole.dcm")
    read_image(folder / "whole.dcm")
    return reader.worker_pid()


def test_a_few_mutated_files(tmp_path: Path) -> None:
    assert broken_down(range(FEW), tmp_path) == []


@pytest.mark.slow
def test_many_mutated_files(tmp_path: Path) -> None:
    assert broken_down(range(MANY), tmp_path) == []
