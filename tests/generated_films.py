"""Small DICOM films with random headers, for comparing readers: `film(number)` is always the same.

Most headers are ordinary; some hold what is met in archives and what readers differ about. Which,
`Film.traits` says.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from imagecodecs import jpeg2k_encode, jpeg8_encode, jpegls_encode, packbits_encode
from numpy.random import Generator
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation

Pixels = NDArray[Any]

SYNTAXES = {
    "implicit little endian": "1.2.840.10008.1.2",
    "explicit little endian": "1.2.840.10008.1.2.1",
    "deflated": "1.2.840.10008.1.2.1.99",
    "explicit big endian": "1.2.840.10008.1.2.2",
    "RLE": "1.2.840.10008.1.2.5",
    "JPEG baseline": "1.2.840.10008.1.2.4.50",
    "JPEG extended": "1.2.840.10008.1.2.4.51",
    "JPEG lossless": "1.2.840.10008.1.2.4.57",
    "JPEG lossless SV1": "1.2.840.10008.1.2.4.70",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG-LS near-lossless": "1.2.840.10008.1.2.4.81",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
}
NATIVE = ("implicit little endian", "explicit little endian", "deflated", "explicit big endian")
LOSSY = ("JPEG baseline", "JPEG extended")
RESCALE = ((1, 0), (2, -100), (0.5, -1024), (0.25, 7.5), (-1, 4095), (1, -32768))


@dataclass(frozen=True)
class Film:
    """One file as it was meant.

    Attributes:
        syntax: a key of `SYNTAXES`.
        signed: two's complement?
        traits: what is not ordinary about it, in words.
        padded: which pixels are padding.
        slope: of the rescale, 1.0 where there is none.
    """

    syntax: str
    signed: bool
    traits: frozenset[str]
    padded: NDArray[np.bool_]
    slope: float


def film(number: int, path: Path) -> Film:
    """Write the film of this number to `path`."""
    random = np.random.default_rng([20, number])
    syntax = list(SYNTAXES)[number % len(SYNTAXES)]
    stored = _stored_bits(random, syntax)
    allocated = 8 if stored <= 8 else 16
    signed = syntax not in (*LOSSY, "JPEG-LS near-lossless") and bool(random.random() < 0.25)
    shape = int(random.integers(9, 60)), int(random.integers(9, 60))
    values = _values(random, shape, stored, signed=signed)
    traits: set[str] = set()
    data = _header(shape, allocated, stored, signed=signed)
    padded = _pad(random, data, values, traits) if syntax not in LOSSY else np.zeros(shape, bool)
    cells = values.astype(np.int64) & ((1 << stored) - 1)
    cells = _placed(random, data, cells, syntax, traits)
    slope = _modality(random, data, stored, traits, signed=signed)
    _display(random, data, stored, traits)
    _contradict(random, data, syntax, traits)
    _write(path, data, cells.astype(f"<u{allocated // 8}"), syntax, stored)
    return Film(syntax, signed, frozenset(traits), padded, slope)


def _stored_bits(random: Generator, syntax: str) -> int:
    if syntax == "JPEG baseline":
        return 8
    if syntax == "JPEG extended":
        return 12
    return int(random.choice([8, 8, 10, 12, 12, 14, 16]))


def _values(random: Generator, shape: tuple[int, int], stored: int, *, signed: bool) -> Pixels:
    """A slope with noise over most of the range."""
    ramp = np.add.outer(np.linspace(0, 0.4, shape[0]), np.linspace(0.05, 0.5, shape[1]))
    part = ramp + random.normal(0, 0.01, shape).clip(-0.05, 0.05)
    span = 1 << stored
    return (part * (span - 1)).astype(np.int64) - (span // 2 if signed else 0)


def _header(shape: tuple[int, int], allocated: int, stored: int, *, signed: bool) -> Dataset:
    data = Dataset()
    data.SOPClassUID = DigitalXRayImageStorageForPresentation
    data.SOPInstanceUID = "1.2.3.4.5"
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    data.PatientID, data.PatientName, data.Modality = "P1", "Film^A", "DX"
    data.Rows, data.Columns = shape
    data.SamplesPerPixel, data.BitsAllocated, data.BitsStored = 1, allocated, stored
    data.HighBit, data.PixelRepresentation = stored - 1, int(signed)
    data.PhotometricInterpretation = "MONOCHROME2"
    return data


def _pad(random: Generator, data: Dataset, values: Pixels, traits: set[str]) -> NDArray[np.bool_]:
    """A corner of padding in one film of six."""
    padded = np.zeros(values.shape, bool)
    if random.random() < 1 / 6:
        padded[:3, :4] = True
        lowest = -(1 << (data.BitsStored - 1)) if data.PixelRepresentation else 0
        values[padded] = lowest
        kind = "SS" if data.PixelRepresentation else "US"
        data.add_new("PixelPaddingValue", kind, lowest)
        traits.add("padding")
    return padded | (values == values.min() if padded.any() else False)


def _placed(
    random: Generator, data: Dataset, cells: Pixels, syntax: str, traits: set[str]
) -> Pixels:
    """Values at the top of the cell, or an overlay in the bits above them, here and there."""
    spare = data.BitsAllocated - data.BitsStored
    draw = random.random()
    if not spare or syntax not in (*NATIVE, "RLE") or draw > 0.3:
        return cells
    if draw < 0.15:
        data.HighBit = data.BitsAllocated - 1
        traits.add("high bit above bits stored")
        return cells << spare
    traits.add("overlay above bits stored")
    return cells | ((random.random(cells.shape) < 0.05).astype(np.int64) << data.BitsStored)


def _modality(
    random: Generator, data: Dataset, stored: int, traits: set[str], *, signed: bool
) -> float:
    draw = random.random()
    if draw < 0.1 and stored <= 12 and not signed:
        entries = np.linspace(0, 4095, 1 << stored).round().astype("<u2")
        item = Dataset()
        bits = int(random.choice([12, 16]))
        item.add_new("LUTDescriptor", "US", [len(entries), 0, bits])
        item.add_new("ModalityLUTType", "LO", "US")
        item.add_new("LUTData", "US", entries.tolist())
        data.ModalityLUTSequence = Sequence([item])
        traits.add(f"modality LUT of {bits} bits")
        return float((1 << 12) / (1 << stored))
    if draw < 0.7:
        slope, intercept = RESCALE[random.integers(len(RESCALE))]
        data.RescaleSlope, data.RescaleIntercept = str(slope), str(intercept)
        data.RescaleType = "US"
        if slope < 0:
            traits.add("negative slope")
        return float(slope)
    return 1.0


def _display(random: Generator, data: Dataset, stored: int, traits: set[str]) -> None:
    if random.random() < 0.35:
        data.PhotometricInterpretation = "MONOCHROME1"
        traits.add("MONOCHROME1")
    if random.random() < 0.5:
        data.WindowCenter, data.WindowWidth = str(1 << (stored - 1)), str(1 << (stored - 2))


def _contradict(random: Generator, data: Dataset, syntax: str, traits: set[str]) -> None:
    """One header in five says something that cannot be, or that is met in archives only."""
    choices: list[tuple[str, str, object]] = [
        ("PresentationIntentType", "for processing", "FOR PROCESSING"),
        ("PresentationLUTShape", "LUT shape INVERSE", "INVERSE"),
        ("NumberOfFrames", "frames 0", "0"),
    ]
    if "RescaleSlope" in data:
        choices.append(("RescaleSlope", "slope 0", "0"))
    if data.BitsStored > 8 and syntax not in (*NATIVE, "RLE"):
        choices.append(("BitsStored", "fewer bits stored than coded", data.BitsStored - 2))
    if syntax in NATIVE:
        choices.append(("Rows", "a row more than there is", data.Rows + 1))
    if random.random() < 0.2:
        keyword, trait, value = choices[random.integers(len(choices))]
        setattr(data, keyword, value)
        if keyword == "BitsStored":
            data.HighBit = data.BitsStored - 1
        traits.add(trait)


def _rle(cells: Pixels) -> bytes:
    planes = [
        cells.view("u1").reshape(*cells.shape, -1)[..., byte] for byte in range(cells.itemsize)
    ]
    segments = [bytes(packbits_encode(np.ascontiguousarray(plane))) for plane in reversed(planes)]
    segments = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    starts = [64 + sum(map(len, segments[:index])) for index in range(len(segments))]
    rest = [0] * (15 - len(segments))
    return struct.pack("<16L", len(segments), *starts, *rest) + b"".join(segments)


def _write(path: Path, data: Dataset, cells: Pixels, syntax: str, bits: int) -> None:
    encoders: dict[str, Callable[[], bytes]] = {
        "RLE": lambda: _rle(cells),
        "JPEG baseline": lambda: bytes(jpeg8_encode(cells, level=95)),
        "JPEG extended": lambda: bytes(jpeg8_encode(cells, level=95, bitspersample=12)),
        "JPEG lossless": lambda: _lossless(cells, bits, 6),
        "JPEG lossless SV1": lambda: _lossless(cells, bits, 1),
        "JPEG-LS": lambda: bytes(jpegls_encode(cells)),
        "JPEG-LS near-lossless": lambda: bytes(jpegls_encode(cells, level=2)),
        "JPEG 2000": lambda: bytes(
            jpeg2k_encode(cells, codecformat="J2K", reversible=True, bitspersample=bits)
        ),
    }
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = UID(SYNTAXES[syntax])
    big = syntax == "explicit big endian"
    if syntax in NATIVE:
        raw = cells.astype(cells.dtype.newbyteorder(">" if big else "<")).tobytes()
        data.PixelData = raw + b"\0" * (len(raw) % 2)
    else:
        data.PixelData = encapsulate([encoders[syntax]()])
    data["PixelData"].VR = "OB" if data.BitsAllocated == 8 or syntax not in NATIVE else "OW"
    dcmwrite(path, data, enforce_file_format=True)


def _lossless(cells: Pixels, bits: int, predictor: int) -> bytes:
    return bytes(
        jpeg8_encode(cells, lossless=True, predictor=predictor, bitspersample=max(bits, 8))
    )
