"""Files as a browser sends them: what is kept, and every attack that comes as a file."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from clinical.cohorts import received
from clinical.cohorts.received import Limits, Refused
from clinical.dicom import sniff

DICOM = bytes(128) + b"DICM" + b"\x02\x00\x00\x00UL\x04\x00" + bytes(4)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0" + bytes(40)


def stored(storage: str, text: bytes = b"") -> bytes:
    """The beginning of a DICOM file of that storage class."""
    uid = storage.encode() + b"\0" * (len(storage) % 2)
    return DICOM + b"\x02\x00\x02\x00UI" + len(uid).to_bytes(2, "little") + uid + text


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def reasons(refused: tuple[Refused, ...]) -> list[str]:
    return [one.reason for one in refused]


def test_what_a_file_is_says_its_content_and_not_its_name(tmp_path: Path) -> None:
    ecg = stored(f"{sniff.WAVEFORMS}1.1")
    files = [("a.txt", DICOM), ("b.dcm", PNG), ("c", JPEG), ("d.png", ecg)]
    added, refused = received.receive(files, tmp_path)
    assert [(f.name, f.sort) for f in added] == [
        ("a.txt", "image"),
        ("b.dcm", "picture"),
        ("c", "picture"),
        ("d.png", "recording"),
    ]
    assert not refused
    assert [(tmp_path / f.path).read_bytes() for f in added] == [DICOM, PNG, JPEG, ecg]
    assert all((tmp_path / f.path).stat().st_mode & 0o777 == 0o600 for f in added)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PatientID,Name\n1,Doe", "not an image of a known format"),
        (b"%PDF-1.7 report", "PDF document"),
        (b"MZ\x90\x00 a program", "not an image of a known format"),
        (b"", "empty"),
    ],
)
def test_a_text_named_dcm_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    added, (refused,) = received.receive([("film.dcm", data)], tmp_path)
    assert not added
    assert why in refused.reason
    assert not list(tmp_path.rglob("*.dcm"))


def test_the_index_of_a_disc_is_set_aside_and_its_films_are_kept(tmp_path: Path) -> None:
    disc = {
        "DICOMDIR": stored(sniff.DIRECTORY),
        "IMAGES/IM1": stored("1.2.840.10008.5.1.4.1.1.1", b"1"),
        "IMAGES/IM2": stored("1.2.840.10008.5.1.4.1.1.1", b"2"),
        "autorun.inf": b"[autorun]",
    }
    added, refused = received.receive([("disc.zip", packed(disc))], tmp_path)
    assert [file.name for file in added] == ["IM1", "IM2"]
    assert [(one.name, one.expected) for one in refused] == [
        ("DICOMDIR", True),
        ("autorun.inf", False),
    ]


def test_no_name_leads_out_of_the_private_place(tmp_path: Path) -> None:
    place = tmp_path / "private"
    place.mkdir()
    names = ["../../etc/passwd", "/root/x", "C:\\windows\\y.dcm", "a\0b\u202egnp.exe", ".."]
    files = {name: DICOM + bytes([number]) for number, name in enumerate(names)}
    added, _ = received.receive([("films.zip", packed(files))], place)
    more, _ = received.receive([("../../../up.dcm", DICOM)], place, added)
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {place / "files"}
    assert [file.path for file in (*added, *more)] == [f"files/{n:04d}" for n in range(1, 7)]
    assert [file.name for file in added][:3] == ["passwd", "x", "y.dcm"]
    assert all(file.name.isprintable() and "/" not in file.name for file in added)


def test_a_zip_bomb_is_given_up(tmp_path: Path) -> None:
    bomb = packed({"film": DICOM + bytes(8 * received.MB), "after": DICOM})
    limits = Limits(ratio=3)
    added, refused = received.receive([("bomb.zip", bomb)], tmp_path, limits=limits)
    assert not added
    assert reasons(refused) == [received._BOMB]


def test_a_zip_of_many_bombs_does_not_pass_the_limit_on_the_whole(tmp_path: Path) -> None:
    many = packed({f"film {n}": DICOM + bytes([n]) * 2 * received.MB for n in range(8)})
    limits = Limits(whole=5 * received.MB, ratio=10**6)
    added, refused = received.receive([("many.zip", many)], tmp_path, limits=limits)
    assert len(added) == 2
    assert sum(file.size for file in added) <= limits.whole
    assert reasons(refused) == [received._BOMB]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (packed({"inner.zip": packed({"film": DICOM})}), "A ZIP within a ZIP"),
        (packed({"film": DICOM}, zipfile.ZIP_LZMA), "packed in a way"),
        (packed({"film": DICOM})[:60], "broken or cut short"),
        (
            b"PK\x03\x04" + bytes(30) + b"PK\x05\x06" + bytes(8) + b"\xff" * 8 + bytes(10),
            "too many",
        ),
        (b"PK\x03\x04" + bytes(30) + b"PK\x05\x06" + bytes(18), "broken or cut short"),
    ],
)
def test_a_zip_that_is_not_unpacked_says_why(tmp_path: Path, data: bytes, why: str) -> None:
    added, refused = received.receive([("films.zip", data)], tmp_path)
    assert not added
    if why == "broken or cut short" and not refused:
        return  # an empty ZIP holds nothing to refuse
    assert why in refused[0].reason


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    data = bytearray(packed({"film": DICOM}))
    data[6] |= 1  # of the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1
    _, (refused,) = received.receive([("films.zip", bytes(data))], tmp_path)
    assert refused.reason == "The file is encrypted."


def test_a_zip_with_more_entries_than_allowed_is_read_as_far(tmp_path: Path) -> None:
    films = packed({f"film {n}": DICOM + bytes([n]) for n in range(5)})
    added, refused = received.receive([("f.zip", films)], tmp_path, limits=Limits(entries=3))
    assert len(added) == 3
    assert "more than 3 files" in refused[0].reason


def test_the_same_file_twice_is_kept_once_and_too_many_are_refused(tmp_path: Path) -> None:
    added, refused = received.receive([("a", DICOM), ("b", DICOM)], tmp_path)
    assert [file.name for file in added] == ["a"]
    assert refused[0].expected
    _, (too_many,) = received.receive([("c", PNG)], tmp_path, added, Limits(files=1))
    assert "takes 1 files" in too_many.reason
    _, (too_large,) = received.receive([("c", PNG)], tmp_path, added, Limits(whole=150))
    assert "too many" in too_large.reason
    _, (one,) = received.receive([("c", PNG)], tmp_path, added, Limits(one=10))
    assert "more than 0 MB" in one.reason


def test_a_removed_file_is_gone_and_its_number_is_not_another_files(tmp_path: Path) -> None:
    added, _ = received.receive([("a", DICOM), ("b", PNG)], tmp_path)
    received.remove(tmp_path, added[0])
    more, _ = received.receive([("c", JPEG)], tmp_path, added[1:])
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == ["0002", "0003"]
    assert more[0].path == "files/0003"


def test_films_may_not_have_more_pixels_than_fit_into_memory(tmp_path: Path) -> None:
    def film(side: int) -> bytes:
        out = io.BytesIO()
        Image.new("L", (side, side), side % 250).save(out, "PNG")
        return out.getvalue()

    limits = Limits(pixels=15_000)
    added, refused = received.receive(
        [("a", film(100)), ("b", film(101)), ("c", film(40))], tmp_path, limits=limits
    )
    assert [(file.name, file.pixels) for file in added] == [("a", 10_000), ("c", 1600)]
    assert "million pixels" in refused[0].reason
    assert len(list((tmp_path / "files").iterdir())) == 2
