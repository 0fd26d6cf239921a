"""DICOM files in a folder, with an index (DICOMDIR) or without: one case for each study of films.

Every file below the folder is told apart by its content; names, folders and the index say nothing.
The index is only asked which files it misses. Nothing outside the folder is read.

- A case is one study (Study Instance UID) of one patient (Patient ID and its issuer), and is named
  by it. It is decided when the last of its films was taken, by the last date in its header; a film
  that says only its day counts for the end of that day.
- Films are objects of modality CR, DX, RG, OT, SC or none that the reader of images takes; those of
  other modalities are counted.
- The latest film of an earlier study of the same patient is shown beside, frontal ones first, if it
  was taken within `PRIOR_DAYS`.
- Electrocardiograms are part of each case of their patient that was decided within `ECG_HOURS`
  after them; a study of recordings that is part of none is a case of its own.
- An object that is there twice counts once; another one with the same SOP Instance UID is left out.
- Sex and date of birth are those of the header. There are no labels, no site and no split.

Messages number the files in the order of their paths, which may hold names of patients.
"""

from __future__ import annotations

import filecmp
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from clinical.case.case import Outcome, Problem
from clinical.cohorts import retold
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Reading
from clinical.dicom import directory, sniff
from clinical.dicom.identity import Identity, read_identity
from clinical.errors import CohortError, ImageError
from clinical.modalities.radiograph.views import view_of
from clinical.tables import clock, times
from clinical.tables.selected import row_of
from clinical.tables.table import Row

NAME = "dicom"
FILES = "DICOM files"
"""What messages call the files; their row is the number of one in the order of paths."""

FILMS = ("CR", "DX", "RG", "OT", "SC", "")
"""Modalities whose objects the reader of images is asked to read."""

PRIOR_DAYS = 730
ECG_HOURS = 24
NEEDED = "give a folder with DICOM films or electrocardiograms, in it or in folders below"
END_OF_DAY = "T23:59:59"


@dataclass(frozen=True)
class _Object:
    """One film or recording.

    Attributes:
        number: of its file.
        path: relative to the root.
        identity: what its header says.
        is_ecg: whether it is a recording.
    """

    number: int
    path: str
    identity: Identity
    is_ecg: bool

    @property
    def patient(self) -> tuple[str, str]:
        return self.identity.patient_id, self.identity.issuer

    @property
    def moment(self) -> str:
        """When it was made, as ISO 8601; "" where it does not say that."""
        stated = self.identity.latest or self.identity.acquired
        return stated if not stated or times.names_moment(stated) else stated[:10] + END_OF_DAY

    @property
    def made(self) -> datetime | None:
        return clock.instant(self.moment, UTC) if self.moment else None


@dataclass(frozen=True)
class _Study:
    """The objects of one case, in order of path."""

    case_id: str
    patient_id: str
    objects: tuple[_Object, ...]

    @property
    def films(self) -> tuple[_Object, ...]:
        return tuple(one for one in self.objects if not one.is_ecg)

    @property
    def last(self) -> _Object | None:
        """What was made last of its films; of its recordings where it has none."""
        dated = [one for one in self.films or self.objects if one.made]
        return max(dated, key=lambda one: one.made or _LONG_AGO, default=None)


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def describe(root: Path) -> CohortDescription:
    """A folder of DICOM says nothing of itself."""
    _demanded(root)
    return CohortDescription(root.resolve().name, "DICOM files", "not stated", ())


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each case, in the order of the first of its files."""
    objects, _ = _demanded(root)
    return tuple(CaseEntry(study.case_id, study.patient_id) for study in _cases(objects))


def read(root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
    """What is wrong with the files, then the cases."""
    objects, problems = _demanded(root)
    yield from problems
    for study in _cases(objects):
        if wanted is None or study.case_id in wanted:
            yield from _case(root, study, objects)


def outcomes(root: Path) -> Iterator[Outcome]:
    """None: DICOM files have no labels."""
    _demanded(root)
    yield from ()


def is_disc(root: Path) -> bool:
    """Whether a folder is a disc with its index, or a copy of one."""
    return any(path.name.casefold() == "dicomdir" for path in root.iterdir())


def _demanded(root: Path) -> tuple[list[_Object], list[Problem]]:
    """The films and recordings below a folder, and what is not used.

    Raises:
        CohortError: if there is none.
    """
    paths = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    found = _Found()
    for number, path in enumerate(paths, start=1):
        found.look(root, number, path)
    if not found.objects:
        raise CohortError("There is no DICOM film or electrocardiogram.", remedy=NEEDED)
    found.missing(paths)
    return found.objects, [*found.problems, *found.counted()]


class _Found:
    """What was found so far."""

    def __init__(self) -> None:
        self.objects: list[_Object] = []
        self.problems: list[Problem] = []
        self._counts: Counter[str] = Counter()
        self._indices: list[Path] = []
        self._known: dict[str, Path] = {}

    def look(self, root: Path, number: int, path: Path) -> None:
        """Look at one file."""
        with path.open("rb") as file:
            head = file.read(sniff.HEAD)
        try:
            kind = sniff.kind_of(head)
        except ImageError:
            kind = "png"  # of no more use
        if kind not in ("dicom", "headerless"):
            self._counts["no DICOM objects"] += 1
            return
        if sniff.media_storage(head) == sniff.DIRECTORY:
            self._indices.append(path)
            return
        state = path.stat()
        try:
            identity = _identity(path, state.st_size, state.st_mtime_ns)
        except ImageError as error:
            self.problems.append(Problem(FILES, error.message, number, remedy=error.remedy))
            return
        self._add(root, number, path, identity)

    def _add(self, root: Path, number: int, path: Path, identity: Identity) -> None:
        is_ecg = identity.sop_class.startswith(sniff.WAVEFORMS)
        if not is_ecg and identity.modality not in FILMS:
            self._counts[f"objects of modality {identity.modality}"] += 1
            return
        known = self._known.setdefault(identity.instance, path)
        if known is path:
            local = path.relative_to(root).as_posix()
            self.objects.append(_Object(number, local, identity, is_ecg))
        elif filecmp.cmp(known, path, shallow=False):
            self._counts["copies of other files"] += 1
        else:
            reason = "another file with the same SOP Instance UID says something else; not used."
            remedy = "keep the right one of the two"
            self.problems.append(Problem(FILES, reason, number, "SOPInstanceUID", remedy))

    def missing(self, paths: Sequence[Path]) -> None:
        """Note what the indices name and nobody has."""
        for place in self._indices:
            beside = place.parent
            known = {
                tuple(part.casefold() for part in path.relative_to(beside).parts)
                for path in paths
                if path.is_relative_to(beside)
            }
            try:
                named = directory.referenced(place)
            except ImageError as error:
                self.problems.append(Problem("DICOMDIR", error.message, remedy=error.remedy))
                continue
            count = sum(not _is_there(parts, known) for parts in named)
            if count:
                reason = f"{count} of the {len(named)} files that the index names are not there."
                self.problems.append(Problem("DICOMDIR", reason, remedy="copy the whole disc"))

    def counted(self) -> Iterator[Problem]:
        """What was left out without a word for each."""
        for what, count in sorted(self._counts.items()):
            remedy = "none; films (CR, DX) and electrocardiograms are read"
            yield Problem(FILES, f"{count} files are {what}; not used.", remedy=remedy)


@lru_cache(maxsize=100_000)
def _identity(path: Path, size: int, changed: int) -> Identity:  # noqa: ARG001 (the key)
    """What a header says; asked for once, unless size or time of the file is another."""
    return read_identity(path)


def _is_there(named: Sequence[str], known: Container[tuple[str, ...]]) -> bool:
    """Whether a file is there, in other letters, with a version (;1), or by an absolute path."""
    whole = "/".join(named).replace("\\", "/").casefold()
    parts = tuple(part.partition(";")[0] for part in whole.split("/") if part)
    return any(parts[at:] in known for at in range(len(parts)))


def _cases(objects: Sequence[_Object]) -> list[_Study]:
    """The studies that are cases, in the order of their first files."""
    groups: dict[tuple[tuple[str, str], str], list[_Object]] = {}
    for one in objects:
        study = one.identity.study or one.identity.instance
        groups.setdefault((one.patient, study), []).append(one)
    issuers = {issuer for (_, issuer), _ in groups}
    taken: Counter[str] = Counter()
    found = []
    for ((patient, issuer), study), members in groups.items():
        taken[study] += 1
        name = study if taken[study] == 1 else f"{study}-{taken[study]}"
        shown = f"{patient}@{issuer}" if patient and issuer and len(issuers) > 1 else patient
        found.append(_Study(name, shown, tuple(members)))
    filmed = [study for study in found if study.films]
    return [s for s in found if s.films or not any(_are_of(s, case) for case in filmed)]


def _are_of(recorded: _Study, case: _Study) -> bool:
    """Whether any recording of a study is part of a case of films."""
    return any(_is_part(one, case) for one in recorded.objects)


def _is_part(one: _Object, case: _Study) -> bool:
    """Whether a recording is part of a case: of its study, or of shortly before its decision."""
    if one in case.objects:
        return True
    decided = case.last.made if case.last else None
    if one.patient != case.objects[0].patient or not decided or not one.made:
        return False
    return timedelta(0) <= decided - one.made <= timedelta(hours=ECG_HOURS)


def _case(root: Path, study: _Study, objects: Sequence[_Object]) -> Iterator[Reading]:
    first = study.objects[0]
    origin = Row(first.number, (), {}, None, FILES)
    case = row_of(
        origin,
        FILES,
        case_id=study.case_id,
        patient_id=study.patient_id,
        decision_time=study.last.moment if study.last else "",
        sex=first.identity.sex,
        birth_date=first.identity.birth_date,
    )
    recorded = [one for one in objects if one.is_ecg and _is_part(one, study)]
    images = [*(_row(one, "") for one in study.films), *_prior(study, objects)]
    rows = {"images": images, "ecgs": [_row(one, "") for one in recorded]}
    names = {FILES: {"path": "", "time": "", "view": "ViewPosition"}}
    yield from retold.read(root, case, rows, names)


def _prior(study: _Study, objects: Sequence[_Object]) -> list[Row]:
    """The film of an earlier study that is shown beside, if there is one."""
    dated = [one.made for one in study.films if one.made]
    if not dated:
        return []
    first, limit = min(dated), timedelta(days=PRIOR_DAYS)
    earlier = [
        (view_of(one.identity.view) == "frontal", one.made, -one.number, one)
        for one in objects
        if not one.is_ecg and one.patient == study.objects[0].patient and one not in study.objects
        if one.made and first - limit <= one.made < first
    ]
    return [_row(max(earlier, key=lambda found: found[:3])[3], "prior")] if earlier else []


def _row(one: _Object, role: str) -> Row:
    origin = Row(one.number, (), {}, None, FILES)
    return row_of(origin, FILES, path=one.path, role=role, dicom_patient_id=one.identity.patient_id)
