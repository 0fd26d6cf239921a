"""What every source owes: the same index, the same cases, no label, nothing later than known.

A test of a source inherits `CohortContract` and gives its four fixtures.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from clinical.case.case import Case, Problem, SkippedCase, as_json
from clinical.cohorts.cohort import Reading, Source
from clinical.errors import CohortError


@dataclass(frozen=True)
class Labels:
    """Where the labels of a small cohort stand, and what to replace there to change them."""

    file: str
    changes: Mapping[str, str]


def cases(readings: list[Reading]) -> list[Case]:
    return [reading for reading in readings if isinstance(reading, Case)]


def seen(readings: list[Reading]) -> list[str]:
    return [r.case_id for r in readings if isinstance(r, Case | SkippedCase)]


def plain(readings: list[Reading]) -> list[object]:
    return [as_json(r) if isinstance(r, Case) else repr(r) for r in readings]


def timestamps(found: object) -> list[datetime]:
    """Every time anywhere in the JSON of a case's inputs."""
    if isinstance(found, dict):
        own = [found[key] for key in ("time", "onset", "acquired") if found.get(key)]
        # Only DICOM's own time may lack a zone; the cohort's stands in for it here.
        times = [datetime.fromisoformat(text) for text in own]
        zoned = [t if t.tzinfo else t.replace(tzinfo=ZoneInfo("Europe/Berlin")) for t in times]
        return zoned + [t for value in found.values() for t in timestamps(value)]
    if isinstance(found, list):
        return [t for value in found for t in timestamps(value)]
    return []


class CohortContract:
    """Holds for every source."""

    @pytest.fixture
    def reader(self) -> Source:
        """The source."""
        raise NotImplementedError

    @pytest.fixture
    def root(self) -> Path:
        """A small sound cohort in its layout, in a folder that may be written to."""
        raise NotImplementedError

    @pytest.fixture
    def table(self) -> str:
        """The file of `root` that lists the cases; its last row is the last case's."""
        raise NotImplementedError

    @pytest.fixture
    def first_missed(self, table: str) -> str:
        """The file that an empty folder is told to lack."""
        return table

    @pytest.fixture
    def labels(self) -> Labels:
        """How to change the labels in `root`."""
        raise NotImplementedError

    def test_every_case_of_the_index_is_read_or_skipped_in_its_order(
        self, reader: Source, root: Path
    ) -> None:
        listed = [entry.case_id for entry in reader.index(root)]
        assert listed
        assert len(set(listed)) == len(listed)
        assert seen(list(reader.read(root))) == listed

    def test_reading_twice_gives_the_same(self, reader: Source, root: Path) -> None:
        assert plain(list(reader.read(root))) == plain(list(reader.read(root)))

    def test_patient_and_site_agree_with_the_index(self, reader: Source, root: Path) -> None:
        index = {entry.case_id: (entry.patient_id, entry.site) for entry in reader.index(root)}
        for case in cases(list(reader.read(root))):
            assert (case.patient_id, case.site) == index[case.case_id]

    def test_only_wanted_cases_are_read(self, reader: Source, root: Path) -> None:
        last = reader.index(root)[-1].case_id
        everything = plain(list(reader.read(root)))
        assert plain(list(reader.read(root, {last}))) == everything[-1:]
        assert seen(list(reader.read(root, set()))) == []

    def test_outcomes_are_of_the_declared_diagnoses_and_of_listed_cases(
        self, reader: Source, root: Path
    ) -> None:
        listed = {entry.case_id for entry in reader.index(root)}
        found = list(reader.outcomes(root))
        pairs = {(outcome.case_id, outcome.diagnosis) for outcome in found}
        assert len(pairs) == len(found)
        assert {case_id for case_id, _ in pairs} == listed
        assert {name for _, name in pairs} == {d.name for d in reader.describe(root).diagnoses}

    def test_nothing_in_a_case_is_later_than_its_decision(self, reader: Source, root: Path) -> None:
        for case in cases(list(reader.read(root))):
            times = timestamps(as_json(case)["inputs"])
            assert times == [] or case.decision_time is not None
            assert all(time <= case.decision_time for time in times if case.decision_time)

    def test_other_labels_give_the_same_cases(
        self, reader: Source, root: Path, labels: Labels
    ) -> None:
        """A label that reached an input would show here."""
        before, truth = plain(list(reader.read(root))), list(reader.outcomes(root))
        self.relabel(root, labels)
        assert list(reader.outcomes(root)) != truth
        assert plain(list(reader.read(root))) == before

    def relabel(self, root: Path, labels: Labels) -> None:
        """Change the labels in `root`."""
        text = (root / labels.file).read_text(encoding="utf-8")
        for old, new in labels.changes.items():
            assert old in text
            text = text.replace(old, new)
        (root / labels.file).write_text(text, encoding="utf-8")

    def test_without_image_files_the_counts_still_add_up(self, reader: Source, root: Path) -> None:
        for folder in ("images", "png", "cxr-jpg/files"):
            shutil.rmtree(root / folder, ignore_errors=True)
        readings = list(reader.read(root))
        assert seen(readings) == [entry.case_id for entry in reader.index(root)]
        for case in cases(readings):
            assert not any(shape.arrays for shape in case.inputs.values())
            missing = [p for p in case.problems if p.reason == "there is no such image file."]
            assert all(
                p.row and p.column and p.remedy and p.case_id == case.case_id for p in missing
            )

    @pytest.mark.parametrize("call", ["describe", "index", "read", "outcomes"])
    def test_an_empty_folder_is_one_error_that_names_the_expected_file(
        self, reader: Source, tmp_path: Path, first_missed: str, call: str
    ) -> None:
        with pytest.raises(CohortError, match=first_missed.replace(".", r"\.")) as caught:
            list(getattr(reader, call)(tmp_path) or ())
        assert caught.value.remedy

    def test_a_row_with_a_comma_too_many_is_skipped_with_its_place(
        self, reader: Source, root: Path, table: str
    ) -> None:
        path = root / table
        lines = path.read_text(encoding="utf-8").splitlines()
        lines[-1] += ",,"
        path.write_text("\n".join(lines), encoding="utf-8")
        readings = list(reader.read(root))
        assert seen(readings) == [entry.case_id for entry in reader.index(root)]
        skipped = readings[-1]
        assert isinstance(skipped, SkippedCase)
        assert skipped.problem.row == len(lines)
        assert skipped.problem.remedy

    def test_problems_name_a_file_a_reason_and_a_remedy(self, reader: Source, root: Path) -> None:
        for reading in reader.read(root):
            assert not isinstance(reading, Problem), "a sound cohort has no problem of a file"
            if isinstance(reading, Case):
                assert all(p.file and p.reason and p.remedy for p in reading.problems)

    def test_inputs_survive_json(self, reader: Source, root: Path) -> None:
        for case in cases(list(reader.read(root))):
            assert json.loads(json.dumps(as_json(case), allow_nan=False)) == as_json(case)
