"""DICOM files in folders and on discs: what becomes a case, and what is said of the rest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from cohort_contract import CohortContract, Labels, cases, seen
from pydicom import fileset
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from clinical.case.case import Case, Problem, SkippedCase
from clinical.cohorts import dicom
from clinical.cohorts.cohort import Reading, Source
from clinical.dicom import sniff
from clinical.dicom.write import RadiographHeader, StudyHeader, derived_uid, write_radiograph
from clinical.dicom.write_ecg import write_ecg
from clinical.modalities.ecg.leads import STANDARD, code_of
from pipelines.checking.check import layout_of

NOON = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
Disc = Callable[..., Path]


def film(
    path: Path,
    who: str = "P1",
    study: str = "s1",
    *,
    hours: float = 0,
    view: str = "PA",
    **other: str,
) -> Path:
    """A drawn film of a study, some hours after noon; `other` are attributes that it has."""
    header = RadiographHeader(**stated(path, who, study, hours), view=view, kvp=90)  # type: ignore[arg-type]
    seed = int.from_bytes(str(path.name).encode(), "big") % 2**32
    pixels = np.random.default_rng(seed).integers(0, 4095, (48, 40)).astype(np.uint16)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_radiograph(
        path, pixels, header, spacing_mm=(0.2, 0.2), window=(2000, 3000), compression="none"
    )
    return changed(path, **other)


def tracing(
    path: Path, who: str = "P1", study: str = "e1", *, hours: float = 0, **other: str
) -> Path:
    time = np.arange(1000) / 500
    samples = np.array([np.sin(7 * time + k) for k in range(12)], np.float32)
    leads = [(code_of(lead), lead) for lead in STANDARD]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_ecg(path, samples, leads, 500.0, StudyHeader(**stated(path, who, study, hours)))  # type: ignore[arg-type]
    return changed(path, **other)


def stated(path: Path, who: str, study: str, hours: float) -> dict[str, object]:
    return {
        "patient_id": who,
        "patient_name": "Test^Only",
        "sex": "female",
        "age_years": 63,
        "acquired": NOON + timedelta(hours=hours),
        "study_uid": derived_uid("study", study),
        "series_uid": derived_uid("series", study, path.name),
        "instance_uid": derived_uid("instance", who, study, path.name),
        "institution": "",
        "manufacturer": "",
    }


def changed(path: Path, **other: str) -> Path:
    if other:
        found = pydicom.dcmread(path)
        for keyword, value in other.items():
            setattr(found, keyword, value)
        found.save_as(path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two patients, three studies, one with two views and an electrocardiogram."""
    folder = tmp_path / "export"
    film(folder / "A" / "one")
    film(folder / "A" / "two.dcm", view="AP")
    tracing(folder / "A" / "ecg", hours=-3)
    film(folder / "B" / "later", study="s2", hours=100)
    film(folder / "C" / "x.img", "P2", "s3")
    return folder


class TestContract(CohortContract):
    @pytest.fixture
    def reader(self) -> Source:
        found: Source = dicom
        return found

    @pytest.fixture
    def root(self, root: Path) -> Path:
        return root

    @pytest.fixture
    def table(self) -> str:
        return "DICOM film"

    @pytest.fixture
    def labels(self) -> Labels:
        return Labels("", {})

    def test_outcomes_are_of_the_declared_diagnoses_and_of_listed_cases(
        self, reader: Source, root: Path
    ) -> None:
        assert list(reader.outcomes(root)) == []
        assert reader.describe(root).diagnoses == ()

    def test_other_labels_give_the_same_cases(
        self, reader: Source, root: Path, labels: Labels
    ) -> None:
        """There are none; a table of them beside the files is a file that is no DICOM object."""
        before = seen(list(reader.read(root)))
        (root / "outcomes.csv").write_text("case_id,diagnosis,value\n")
        assert seen(list(reader.read(root))) == before

    def test_a_row_with_a_comma_too_many_is_skipped_with_its_place(
        self, reader: Source, root: Path, table: str
    ) -> None:
        """What a broken table is elsewhere is a broken film here."""
        whole = (root / "C" / "x.img").read_bytes()
        (root / "C" / "x.img").write_bytes(whole[:-2000])
        readings = list(reader.read(root))
        assert seen(readings) == [entry.case_id for entry in reader.index(root)]
        without = cases(readings)[-1]  # age and sex of the header are left
        assert list(without.inputs) == ["history"]
        (problem,) = without.problems
        assert (problem.file, problem.row) == ("DICOM files", 5)
        assert problem.remedy

    def test_without_image_files_the_counts_still_add_up(self, reader: Source, root: Path) -> None:
        shutil.rmtree(root / "A")
        readings = list(reader.read(root))
        assert seen(readings) == [entry.case_id for entry in reader.index(root)]
        assert len(seen(readings)) == 2


def whole(root: Path) -> list[Case]:
    return cases(list(dicom.read(root)))


def said(readings: list[Reading]) -> list[str]:
    return [one.reason for one in readings if isinstance(one, Problem)]


def test_a_study_is_a_case_with_what_the_header_says(root: Path) -> None:
    first, second, other = whole(root)
    assert first.case_id == derived_uid("study", "s1")
    assert [case.patient_id for case in (first, second, other)] == ["P1", "P1", "P2"]
    assert first.decision_time == NOON
    assert {array.source["ViewPosition"] for array in first.inputs["image"].arrays} == {"PA", "AP"}
    assert len(first.inputs["ecg"].arrays) == 1
    (beside,) = second.inputs["prior_image"].arrays
    assert beside.digest in {array.digest for array in first.inputs["image"].arrays}
    assert "prior_image" not in other.inputs
    assert "ecg" not in second.inputs  # it was recorded four days before
    assert [problem.reason for case in whole(root) for problem in case.problems] == []


def test_a_recording_without_a_film_is_a_case_of_its_own(root: Path) -> None:
    shutil.rmtree(root / "A")
    tracing(root / "A" / "ecg")
    found = whole(root)
    assert sorted(found[0].inputs) == ["ecg", "history"]
    assert found[0].decision_time == NOON


def test_what_is_not_used_is_counted(root: Path) -> None:
    (root / "A" / "readme.txt").write_text("hello")
    (root / "viewer.exe").write_bytes(b"MZ" + bytes(1000))
    shutil.copy(root / "A" / "one", root / "B" / "copy")
    film(root / "B" / "ct", "P1", "s9", Modality="CT")
    again = pydicom.dcmread(root / "A" / "one")
    again.WindowCenter = 1
    again.save_as(root / "Z")
    (root / "cut").write_bytes((root / "A" / "one").read_bytes()[:300])
    readings = list(dicom.read(root))
    assert len(cases(readings)) == 3
    reasons = said(readings)
    assert "1 files are copies of other files; not used." in reasons
    assert "2 files are no DICOM objects; not used." in reasons
    assert "1 files are objects of modality CT; not used." in reasons
    assert any("same SOP Instance UID" in reason for reason in reasons)
    assert not any("hello" in reason or "readme" in reason for reason in reasons)
    assert len(reasons) == 5  # and the one that is cut


def test_the_same_number_of_another_issuer_is_another_patient(root: Path) -> None:
    film(root / "D", "P1", "s1", IssuerOfPatientID="NORTH")
    film(root / "E", "P2", "s4", IssuerOfPatientID="HOSP")
    found = {case.case_id: case.patient_id for case in whole(root)}
    study = derived_uid("study", "s1")
    assert (found[study], found[f"{study}-2"]) == ("P1", "P1@NORTH")
    assert len(found) == 5


def test_a_film_without_a_patient_is_skipped_by_name(root: Path) -> None:
    film(root / "D", "", "s5")
    skipped = [one for one in dicom.read(root) if isinstance(one, SkippedCase)]
    assert [(one.problem.row, one.problem.column) for one in skipped] == [(6, "patient_id")]


def test_a_day_without_a_time_counts_to_its_end(root: Path) -> None:
    shutil.rmtree(root / "A")
    shutil.rmtree(root / "B")
    dateless = dict.fromkeys(("AcquisitionDateTime", "AcquisitionTime", "ContentTime"), None)
    changed(root / "C" / "x.img", **dateless, StudyTime=None, SeriesTime=None)  # type: ignore[arg-type]
    (case,) = whole(root)
    assert str(case.decision_time) == "2024-03-01 23:59:59+00:00"


@pytest.fixture
def disc(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same files with an index, as a hospital burns them; two patients."""
    (tmp_path / "staged").mkdir()  # which pydicom would leave to the garbage collector
    staged = SimpleNamespace(name=str(tmp_path / "staged"), cleanup=lambda: None)
    monkeypatch.setattr(fileset, "TemporaryDirectory", lambda *_, **__: staged)
    files = fileset.FileSet()
    for path in sorted(root.rglob("*")):
        if path.is_file():
            files.add(path)
    files.write(tmp_path / "disc")
    return tmp_path / "disc"


def test_a_disc_says_the_same_as_its_files(root: Path, disc: Path) -> None:
    assert (disc / "DICOMDIR").is_file()
    assert seen(list(dicom.read(disc))) == seen(list(dicom.read(root)))
    assert said(list(dicom.read(disc))) == []
    assert layout_of(disc) == "dicom"


def test_files_that_the_index_names_and_nobody_has_are_counted(disc: Path) -> None:
    lost = [path for path in sorted(disc.rglob("*")) if path.is_file() and path.name != "DICOMDIR"]
    lost[0].unlink()
    assert "1 of the 5 files that the index names are not there." in said(list(dicom.read(disc)))


@pytest.mark.filterwarnings("ignore:.*VR CS:UserWarning")
def test_names_in_other_letters_and_absolute_paths_are_found(disc: Path, tmp_path: Path) -> None:
    for path in sorted(disc.rglob("*"), reverse=True):
        path.rename(path.with_name(path.name.lower()))
    assert said(list(dicom.read(disc))) == []
    places = [p.relative_to(disc).as_posix() for p in sorted(disc.rglob("*")) if p.is_file()]
    named = [f"/media/cdrom/{place};1" for place in places if "dicomdir" not in place]
    index(disc / "dicomdir", *named, "..\\..\\etc\\PASSWD")
    assert said(list(dicom.read(disc))) == [
        f"1 of the {len(named) + 1} files that the index names are not there."
    ]


def test_a_broken_index_does_not_hide_the_files(disc: Path) -> None:
    (disc / "DICOMDIR").write_bytes((disc / "DICOMDIR").read_bytes()[:600])
    readings = list(dicom.read(disc))
    assert len(cases(readings)) == 3
    assert [one.file for one in readings if isinstance(one, Problem)] in ([], ["DICOMDIR"])


def index(path: Path, *named: str) -> None:
    """An index that names files as careless programs do."""
    found = Dataset()
    records = []
    for name in named:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.add_new("ReferencedFileID", "CS", name)
        records.append(record)
    found.DirectoryRecordSequence = records
    found.file_meta = FileMetaDataset()
    found.file_meta.MediaStorageSOPClassUID = sniff.DIRECTORY
    found.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.save_as(path, enforce_file_format=True)


def test_films_without_an_index_may_be_part_of_any_cohort(root: Path) -> None:
    assert layout_of(root) == ""
    assert not dicom.is_disc(root)
