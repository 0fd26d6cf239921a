"""The image files of a folder: headers of all, pixels of a sample, through the one reader."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from clinical.case.case import Problem
from clinical.case.shapes import Array, Sex
from clinical.dicom import inspect as inspection
from clinical.dicom.picture import Photometric
from clinical.dicom.read import read_image
from clinical.errors import ImageError
from clinical.modalities.radiograph import burnt_text, doubts, traits
from clinical.modalities.radiograph.burnt_text import BurntText
from clinical.modalities.radiograph.views import view_of
from clinical.tables.clock import Clock
from pipelines.checking.findings import Counted, Finding, Shown, ranked, shown
from pipelines.checking.many_files import again, apart, look_at
from pipelines.study.image_fingerprint import Grids, ranks
from pipelines.study.image_overlap import near_pairs

ENDINGS = (".dcm", ".dicom", ".ima", ".png", ".jpg", ".jpeg")

TRANSFER_SYNTAXES = {
    "1.2.840.10008.1.2": "implicit VR, little endian",
    "1.2.840.10008.1.2.1": "explicit VR, little endian",
    "1.2.840.10008.1.2.1.99": "deflated",
    "1.2.840.10008.1.2.2": "explicit VR, big endian",
    "1.2.840.10008.1.2.4.50": "JPEG, lossy 8-bit",
    "1.2.840.10008.1.2.4.51": "JPEG, lossy 12-bit",
    "1.2.840.10008.1.2.4.57": "JPEG, lossless",
    "1.2.840.10008.1.2.4.70": "JPEG, lossless SV1",
    "1.2.840.10008.1.2.4.80": "JPEG-LS, lossless",
    "1.2.840.10008.1.2.4.81": "JPEG-LS, near-lossless",
    "1.2.840.10008.1.2.4.90": "JPEG 2000, lossless",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.4.201": "HTJ2K, lossless",
    "1.2.840.10008.1.2.4.202": "HTJ2K, lossless RPCL",
    "1.2.840.10008.1.2.4.203": "HTJ2K",
    "1.2.840.10008.1.2.5": "RLE",
}
"""PS3.6 annex A; another one is printed as its number."""


class Film(NamedTuple):
    """One file to look at, and what its table says of it.

    Attributes:
        path: of the file.
        patient: whose it is, or "".
        whole: whether its pixels are read, too.
        view, photometric: of the table, or "".
        sex, age_years: of the case.
        clock, timed: of the case; whether the table gives a time.
        expected: Patient ID that a DICOM file must not contradict.
        text: whether to look for text in the pixels.
    """

    path: Path
    patient: str = ""
    whole: bool = True
    view: str = ""
    photometric: Photometric | None = None
    sex: Sex | None = None
    age_years: float | None = None
    clock: Clock | None = None
    timed: bool = True
    expected: str | None = None
    text: bool = False


@dataclass(frozen=True)
class FilmFound:
    """What one file is; `patient`, digests and `folder` are compared, never printed.

    Attributes:
        header: name and value of what was read without pixels.
        refused: why it cannot be used, or "".
        read: whether its pixels were read.
        doubts: what a cohort's reader would report of it.
        traits: name to value, of what was read.
        grid: what recognises the image again when it was saved differently.
    """

    patient: str
    bytes_digest: str
    folder: str = ""
    header: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    read: bool = False
    doubts: tuple[str, ...] = ()
    traits: Mapping[str, str] = field(default_factory=dict)
    pixels_digest: str = ""
    grid: Grids | None = None


@dataclass(frozen=True)
class ImagesFound:
    """All images.

    Attributes:
        files: that are named, or that lie there.
        missing: named, and not there.
        read: files whose pixels were read.
        traits: name of a trait to its values with the number of files.
        refused: reasons, of those that were read and of headers that are refused.
        doubts: sentences with the number of files; these images are used all the same.
        same_file, same_pixels: images that are also there under another file.
        other_patient: of these, under another patient.
        other_folder: of these, in another folder.
        alike: images that another one nearly is, saved at another size, window or crop.
        alike_patients: of these, of which the other one is of another patient.
    """

    files: int = 0
    missing: int = 0
    read: int = 0
    traits: Mapping[str, Shown] = field(default_factory=dict)
    refused: tuple[Counted, ...] = ()
    doubts: tuple[Counted, ...] = ()
    same_file: int = 0
    same_pixels: int = 0
    other_patient: int = 0
    other_folder: int = 0
    alike: int = 0
    alike_patients: int = 0


def looked_at(
    films: Sequence[Film], jobs: int, done: Callable[[int], None] = lambda _: None
) -> ImagesFound:
    """Look at every file, in so many processes."""
    found = look_at(look, films, jobs, done)
    return replace(summed(found), files=len(films), missing=len(films) - len(found))


def look(film: Film) -> FilmFound:
    """One file: its header, and where it is to be read whole what came of it. Never raises."""
    try:
        data_digest = _digest(film.path)
    except OSError as error:
        return FilmFound(
            film.patient, "", refused=f"The file cannot be opened ({type(error).__name__})."
        )
    found = FilmFound(film.patient, data_digest, film.path.parent.as_posix())
    try:
        found = replace(found, header=dict(inspection.header(film.path)))
        if not film.whole:
            return found
        image = read_image(
            film.path,
            photometric=film.photometric,
            expected_patient_id=film.expected,
            expected_sex=film.sex,
            expected_age_years=film.age_years,
        )
    except ImageError as error:
        return replace(found, refused=error.message)
    return read_whole(found, image, film)


def read_whole(found: FilmFound, image: Array, film: Film) -> FilmFound:
    """`found` with what was made of the pixels."""
    watch = film.clock or Clock(UTC, None)
    time = watch.decision if film.timed else None
    told = [one.reason for one in doubts.of(image, film.view, Problem("", ""), watch, time)]
    made = watch.made(image.source)
    if made and watch.decision and made > watch.decision:
        told.append("the image says itself that it was made after the decision; it is not used.")
    stated = film.view or image.source.get("ViewPosition", "")
    if not stated or view_of(stated) == "frontal":
        told += traits.doubts(image.values)
    told_traits = traits_of(image, film.view)
    if film.text:
        burnt = burnt_text.find(image)
        told_traits["text in the pixels"] = words_of(burnt)
        told += [burnt_text.DOUBT] if burnt.unmarked else []
    return replace(
        found,
        read=True,
        doubts=tuple(told),
        traits=told_traits,
        pixels_digest=image.digest,
        grid=ranks(image.values),
    )


def words_of(burnt: BurntText) -> str:
    """How much text a film has, never what it says."""
    if burnt.unmarked:
        return "more than side markers"
    return "side markers" if burnt.boxes else "none"


def traits_of(image: Array, view: str) -> dict[str, str]:
    """What is worth counting of an image that was read."""
    word = view or image.source.get("ViewPosition", "")
    rows, columns = image.values.shape[-2:]
    spacing = (
        f"{image.spacing[0]:.3g} x {image.spacing[1]:.3g} mm" if image.spacing else "not stated"
    )
    told = {
        "view": f"{word} ({view_of(word) or 'not known'})" if word else "not stated",
        "size": f"{rows} x {columns}",
        "spacing": spacing,
        "spacing stated by": image.source.get("spacing_from", ""),
        "modality": image.source.get("Modality", ""),
        "body part": image.source.get("BodyPartExamined", ""),
        "turned": image.source.get("turned", ""),
        "orientation": image.source.get("orientation", ""),
        "coloured marks": "yes" if image.source.get("coloured_pixels") else "",
    }
    return {name: text for name, text in told.items() if text}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_HEADERS = {
    "Transfer Syntax UID": "transfer syntax",
    "Format": "format",
    "Photometric Interpretation": "photometric",
    "Modality": "modality",
    "Burned In Annotation": "burnt-in annotation",
    "Bits Stored": "bits stored",
    "Mode": "grey or colour",
    "Presentation Intent Type": "presentation intent",
}


def summed(found: Sequence[FilmFound]) -> ImagesFound:
    """What all files are together."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        told = {name: one.header[key] for key, name in _HEADERS.items() if key in one.header}
        if "transfer syntax" in told:
            uid = told["transfer syntax"]
            told["transfer syntax"] = TRANSFER_SYNTAXES.get(uid, uid)
            told["format"] = "DICOM"
        if "Rows" in one.header and "Columns" in one.header:
            told["size"] = f"{one.header['Rows']} x {one.header['Columns']}"
        for name, value in {**one.traits, **told}.items():
            counts[name][value] += 1
    files = [one.bytes_digest for one in found]
    pixels = [one.pixels_digest for one in found]
    patients, folders = [one.patient for one in found], [one.folder for one in found]
    return ImagesFound(
        len(found),
        0,
        sum(one.read for one in found),
        {name: shown(told, partial(_printable, name)) for name, told in counts.items()},
        ranked(Counter(one.refused for one in found if one.refused)),
        ranked(Counter(doubt for one in found for doubt in one.doubts)),
        again(files),
        again(pixels),
        max(apart(files, patients), apart(pixels, patients)),
        apart(files, folders),
        *_alike(found),
    )


def _printable(name: str, value: str) -> bool:
    """Sizes, spacings and words of the standard tell nobody's name; free words may."""
    if name == "view":
        return "not known" not in value
    return name != "body part" or any(word in value.upper() for word in doubts.CHEST)


def _alike(found: Sequence[FilmFound]) -> tuple[int, int]:
    """Images that are nearly another one, and of these those of which it is of another patient."""
    first = {one.pixels_digest: one for one in reversed(found) if one.grid is not None}
    films = [one for one in first.values() if one.grid is not None and one.grid.any()]
    if len(films) < 2:
        return 0, 0
    grids = np.stack([one.grid for one in films if one.grid is not None])
    pairs = [(one, other) for one, other in near_pairs(grids, grids) if one < other]
    apart = [
        (one, other)
        for one, other in pairs
        if len({films[one].patient, films[other].patient} - {""}) > 1
    ]
    return len({at for pair in pairs for at in pair}), len({at for pair in apart for at in pair})


def findings(found: ImagesFound) -> Iterator[Finding]:
    """What is to be decided about images, and what is left out."""
    if found.other_patient:
        yield Finding(
            "decide",
            "images",
            "One and the same image belongs to several patients.",
            "find out whose it is; otherwise it may be learnt from and tested on",
            found.other_patient,
        )
    same = max(found.same_file, found.same_pixels)
    if found.other_folder:
        yield Finding(
            "decide",
            "images",
            "One and the same image lies in several folders; if folders are labels or splits, they"
            " contradict each other.",
            "keep one of each",
            found.other_folder,
        )
    elif same and not found.other_patient:
        yield Finding("know", "images", "Images are there twice or more.", count=same)
    if found.alike_patients:
        yield Finding(
            "decide",
            "images",
            "Images of several patients are nearly the same one, at another size, window or crop.",
            "find out whether they are one patient",
            found.alike_patients,
        )
    elif found.alike:
        text = "Images are nearly another one, at another size, window or crop."
        yield Finding("know", "images", text, count=found.alike)
    if found.missing:
        yield Finding(
            "know",
            "images",
            "Files that the table names do not exist.",
            "add the files, or correct the paths",
            found.missing,
        )
    if found.refused:
        refused = sum(item.count for item in found.refused)
        text = f"Images are left out; the first of the reasons: {found.refused[0].text}"
        yield Finding("know", "images", text, "see the table of images", refused)
    for item in found.doubts:
        if item.text == burnt_text.DOUBT:
            remedy = (
                "look at each with triptych inspect FILE --text --png OUT, and blank or omit it"
            )
            yield Finding("decide", "images", _sentence(item.text), remedy, item.count)
        if item.text in traits.DOUBTS.values():
            yield Finding("decide", "images", _sentence(item.text), traits.REMEDY, item.count)
        if item.text.startswith(DECIDED):
            yield Finding(
                "decide", "images", _sentence(item.text), "say it in the table", item.count
            )


DECIDED = (
    "nobody says whether",
    "the file states a view",
    "the word is not known",
    "the table and the file state",
    "nobody says when",
)
"""Beginnings of doubts that a person can settle in the table."""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
