"""Whether an object is whole, told without decoding it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from generated_films import SYNTAXES, film
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from clinical.dicom import meta, outline
from clinical.dicom.limits import DEFAULT_LIMITS
from clinical.dicom.outline import identity_of
from clinical.errors import ImageUnreadable

CLASS, INSTANCE = "1.2.840.10008.5.1.4.1.1.1", "1.2.3"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "film.dcm"


@pytest.mark.parametrize("number", range(len(SYNTAXES)), ids=list(SYNTAXES))
def test_an_object_is_whole_and_says_which_it_is(path: Path, number: int) -> None:
    made = film(number, path)
    found = identity_of(path)
    read = pydicom.dcmread(path, stop_before_pixels=True)
    assert found.sop_class == read.SOPClassUID
    assert found.sop_instance == read.SOPInstanceUID
    assert found.transfer_syntax == SYNTAXES[made.syntax]
    assert found.has_pixels


@pytest.mark.parametrize("number", range(len(SYNTAXES)), ids=list(SYNTAXES))
def test_an_object_that_was_cut_is_not_whole(path: Path, number: int) -> None:
    film(number, path)
    data = path.read_bytes()
    for length in {0, 1, 131, 132, 140, 401, len(data) // 2, len(data) * 9 // 10}:
        path.write_bytes(data[:length])
        with pytest.raises(ImageUnreadable):
            identity_of(path)


def test_an_image_that_was_cut_between_elements_has_no_pixels(path: Path) -> None:
    assert not identity_of(written(path, IDENTITY)).has_pixels
    assert identity_of(written(path, IDENTITY + explicit(0x7FE00010, b"OB", b"12"))).has_pixels


def explicit(tag: int, kind: bytes, value: bytes, length: int | None = None) -> bytes:
    start = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, kind)
    size = len(value) if length is None else length
    long = kind in (b"SQ", b"UN", b"OB", b"OW")
    return start + (struct.pack("<HL", 0, size) if long else struct.pack("<H", size)) + value


def item(tag: int, length: int) -> bytes:
    return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, length)


IDENTITY = explicit(0x00080016, b"UI", CLASS.encode() + b"\0") + explicit(
    0x00080018, b"UI", INSTANCE.encode() + b"\0"
)
UNDEFINED = 0xFFFFFFFF
OPEN = explicit(0x00081140, b"SQ", b"", UNDEFINED) + item(0xFFFEE000, UNDEFINED)
CLOSED = item(0xFFFEE00D, 0) + item(0xFFFEE0DD, 0)


def written(path: Path, data: bytes, syntax: str = "1.2.840.10008.1.2.1") -> Path:
    path.write_bytes(meta.written(CLASS, INSTANCE, syntax) + data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        IDENTITY,
        IDENTITY + OPEN + CLOSED,
        IDENTITY + OPEN + IDENTITY.replace(b"1.2.3", b"9.9.9") + CLOSED,
        IDENTITY + OPEN * 60 + CLOSED * 60,
        IDENTITY + explicit(0x7FE00010, b"OB", b"12") + b"what follows the pixels is not looked at",
        IDENTITY
        + explicit(0x7FE00010, b"OB", b"", UNDEFINED)
        + item(0xFFFEE000, 0)
        + item(0xFFFEE000, 2)
        + b"12"
        + item(0xFFFEE0DD, 0)
        + b"nor here",
        IDENTITY
        + explicit(0x00091001, b"UN", b"", UNDEFINED)  # what is inside has implicit VR
        + item(0xFFFEE000, UNDEFINED)
        + struct.pack("<HHL", 0x0009, 0x1002, 4)
        + b"abcd"
        + CLOSED,
    ],
    ids=["plain", "sequence", "inner identity", "deep", "behind pixels", "behind fragments", "UN"],
)
def test_what_is_well_formed_is_whole(path: Path, data: bytes) -> None:
    found = identity_of(written(path, data))
    assert (found.sop_class, found.sop_instance) == (CLASS, INSTANCE)


@pytest.mark.parametrize(
    "data",
    [
        IDENTITY + explicit(0x00100010, b"PN", b"", 10),
        IDENTITY + explicit(0x7FE00010, b"OW", b"12", 4_000_000_000),
        IDENTITY + OPEN,
        IDENTITY + item(0xFFFEE0DD, 0),
        IDENTITY + OPEN * 70 + CLOSED * 70,
        IDENTITY + explicit(0x00100010, b"\0\1", b"Doe"),
        b"Doe^Jane" * 20,
    ],
    ids=["value", "length", "open", "never opened", "too deep", "no VR", "text"],
)
def test_what_is_not_is_refused_in_words_that_hold_nothing_of_it(path: Path, data: bytes) -> None:
    with pytest.raises(ImageUnreadable) as error:
        identity_of(written(path, data))
    assert "Doe" not in str(error.value)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_sequences_are_stepped_through_in_each_encoding(path: Path, syntax: str) -> None:
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = CLASS, INSTANCE
    inner = Dataset()
    inner.ReferencedSOPInstanceUID = "9.9.9"
    inner.is_undefined_length_sequence_item = True
    made.ReferencedImageSequence = Sequence([inner, Dataset()])
    made["ReferencedImageSequence"].is_undefined_length = True
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.save_as(path, enforce_file_format=True)
    assert identity_of(path) == outline.Identity(CLASS, INSTANCE, syntax, False)


def deflated(data: bytes) -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return machine.compress(data) + machine.flush()


def test_a_bomb_is_not_inflated(path: Path) -> None:
    limits = replace(DEFAULT_LIMITS, file_bytes=1 << 20)
    bomb = deflated(IDENTITY + explicit(0x7FE00010, b"OB", bytes(2 << 20)))
    written(path, bomb, DeflatedExplicitVRLittleEndian)
    assert path.stat().st_size < 1 << 13
    with pytest.raises(ImageUnreadable, match="more than the limit"):
        identity_of(path, limits)
    identity_of(path, replace(limits, file_bytes=3 << 20))


def test_what_is_too_large_is_not_read(path: Path) -> None:
    with pytest.raises(ImageUnreadable, match="more than 100 bytes"):
        identity_of(written(path, IDENTITY), replace(DEFAULT_LIMITS, file_bytes=100))


def test_an_object_of_too_many_elements_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outline, "ELEMENTS", 10)
    with pytest.raises(ImageUnreadable, match="elements"):
        identity_of(written(path, IDENTITY + explicit(0x00100020, b"LO", b"P1") * 20))


@pytest.mark.parametrize("uid", ["", "../../etc/passwd", "1..2", "1.2.", "1" * 65, "1.2\n"])
def test_what_is_no_uid(path: Path, uid: str) -> None:
    assert not outline.is_uid(uid)
    data = explicit(0x00080018, b"UI", uid.encode()) + explicit(0x00100020, b"LO", b"P1")
    assert identity_of(written(path, data)).sop_instance == ""


def _same(path: Path, data: bytes) -> outline.Identity | str:
    path.write_bytes(data)
    try:
        return identity_of(path)
    except ImageUnreadable as error:
        return str(error)


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    number=st.integers(0, len(SYNTAXES) - 1),
    at=st.integers(0, 700),
    change=st.binary(min_size=1, max_size=6),
)
def test_damage_gives_an_answer_or_a_refusal(
    path: Path, films: Callable[[int], bytes], number: int, at: int, change: bytes
) -> None:
    data = films(number)
    damaged = data[:at] + change + data[at + len(change) :]
    assert _same(path, damaged)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], bytes]:
    place = tmp_path_factory.mktemp("films")
    for number in range(len(SYNTAXES)):
        film(number, place / f"{number}.dcm")
    return lambda number: (place / f"{number}.dcm").read_bytes()
