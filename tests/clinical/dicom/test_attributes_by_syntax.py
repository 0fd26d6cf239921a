"""What an attribute means does not depend on the transfer syntax: each against every other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imagecodecs import htj2k_encode, jpeg2k_encode, jpeg8_encode, jpegls_encode, packbits_encode
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from clinical.dicom.read import read_image

WriteDicom = Callable[..., Path]
Cells = NDArray[np.uint16]

BIG = "1.2.840.10008.1.2.2"
NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", BIG)


def rle(cells: Cells) -> bytes:
    planes = [packbits_encode((cells >> 8).astype("u1")), packbits_encode(cells.astype("u1"))]
    header = np.zeros(16, "<u4")
    header[:3] = 2, 64, 64 + len(planes[0])
    return header.tobytes() + b"".join(map(bytes, planes))


ENCODERS: dict[str, Callable[[Cells], bytes]] = {
    "1.2.840.10008.1.2.5": rle,
    "1.2.840.10008.1.2.4.70": lambda c: bytes(jpeg8_encode(c, lossless=True, bitspersample=16)),
    "1.2.840.10008.1.2.4.80": lambda c: bytes(jpegls_encode(c)),
    "1.2.840.10008.1.2.4.90": lambda c: bytes(
        jpeg2k_encode(c, codecformat="J2K", bitspersample=16, reversible=True)
    ),
    "1.2.840.10008.1.2.4.201": lambda c: bytes(htj2k_encode(c)),
}


class Film(NamedTuple):
    """Stored values, the cells that hold them, and what the header says of both."""

    stored: NDArray[np.int64]
    cells: Cells
    attributes: dict[str, Any]


@st.composite
def films(draw: st.DrawFn) -> Film:
    """A smooth picture of 10 to 16 bits, signed or not, anywhere in its cells, above garbage."""
    bits = draw(st.integers(10, 16))
    high = draw(st.integers(bits - 1, 15))
    signed = draw(st.booleans())
    random = np.random.default_rng(draw(st.integers(0, 99)))
    rows, columns = draw(st.integers(9, 20)), draw(st.integers(9, 20))
    ramp = np.add.outer(np.arange(rows), np.arange(columns))
    bottom = -(1 << (bits - 1)) if signed else 0
    stored = bottom + ramp * ((1 << bits) - 1) // ramp.max()
    shift = high + 1 - bits
    unused = 0xFFFF & ~(((1 << bits) - 1) << shift)
    garbage = random.integers(0, 1 << 16, stored.shape) & unused
    cells = ((stored & ((1 << bits) - 1)) << shift | garbage).astype("<u2")
    attributes = {"BitsStored": bits, "HighBit": high, "PixelRepresentation": int(signed)}
    return Film(stored, cells, attributes)


def written(write_dicom: WriteDicom, film: Film, syntax: str, **attributes: Any) -> Path:
    data = film.cells.astype(">u2" if syntax == BIG else "<u2").tobytes()
    if syntax not in NATIVE:
        data = encapsulate([ENCODERS[syntax](film.cells)])
    stated = {**film.attributes, **attributes}
    return write_dicom(film.cells, transfer_syntax=syntax, PixelData=data, **stated)


syntaxes = st.sampled_from([*NATIVE, *ENCODERS])
many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@many
@given(films(), syntaxes, st.sampled_from(["MONOCHROME1", "MONOCHROME2"]))
def test_bits_anywhere_in_their_cells(
    write_dicom: WriteDicom, film: Film, syntax: str, photometric: str
) -> None:
    path = written(write_dicom, film, syntax, PhotometricInterpretation=photometric)
    right = film.stored
    if photometric == "MONOCHROME1":
        right = film.stored.min() + film.stored.max() - film.stored
    np.testing.assert_array_equal(read_image(path).values, right)


@many
@given(films(), syntaxes, st.sampled_from(["0.5", "0,5", " 0,50 "]), st.sampled_from(["-7", "-7,"]))
def test_rescale_with_a_point_or_a_comma(
    write_dicom: WriteDicom, film: Film, syntax: str, slope: str, intercept: str
) -> None:
    stated = {
        "RescaleSlope": DataElement("RescaleSlope", "LO", slope),
        "RescaleIntercept": DataElement("RescaleIntercept", "LO", intercept.rstrip(",") + ",0"),
    }
    path = written(write_dicom, film, syntax, **stated)
    np.testing.assert_array_equal(read_image(path).values, film.stored * 0.5 - 7)


@many
@given(films(), syntaxes, st.booleans(), st.integers(0, 40))
def test_padding_of_either_sign_with_and_without_a_range(
    write_dicom: WriteDicom, film: Film, syntax: str, as_unsigned: bool, reach: int
) -> None:
    low = int(film.stored.min())
    ends = [value % 65536 if as_unsigned else value for value in (low, low + reach)]
    kind = "US" if (min(ends) >= 0 and max(ends) > 32767) or as_unsigned else "SS"
    stated = {"PixelPaddingValue": DataElement("PixelPaddingValue", kind, ends[0])}
    if reach:
        stated["PixelPaddingRangeLimit"] = DataElement("PixelPaddingRangeLimit", kind, ends[1])
    padded = film.stored <= low + reach
    right = np.where(padded, film.stored[~padded].min(), film.stored)
    path = written(write_dicom, film, syntax, **stated)
    np.testing.assert_array_equal(read_image(path).values, right)


@many
@given(films(), syntaxes, st.sampled_from(["US", "OW"]), st.sampled_from([8, 12, 16]))
def test_modality_table_in_words_and_in_bytes(
    write_dicom: WriteDicom, film: Film, syntax: str, kind: str, bits: int
) -> None:
    count = 201
    entries = np.random.default_rng(bits).integers(0, 1 << bits, count)
    packed = np.append(entries, 0).astype("u1").view("<u2") if bits == 8 else entries
    order = ">u2" if syntax == BIG else "<u2"
    data = packed.tolist() if kind == "US" else packed.astype(order).tobytes()
    first = int(film.stored.min()) + 3
    table = Dataset()
    table.add(DataElement("LUTDescriptor", "US", [count, first % 65536, bits]))
    table.add(DataElement("LUTData", kind, data))
    table.ModalityLUTType = "US"
    path = written(write_dicom, film, syntax, ModalityLUTSequence=Sequence([table]))
    right = entries[np.clip(film.stored - first, 0, count - 1)]
    np.testing.assert_array_equal(read_image(path).values, right)
