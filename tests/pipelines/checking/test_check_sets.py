"""`triptych check` finds the layout of a set by itself and counts what its reader leaves out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fhir_layout
import pytest
import relational_layouts

from pipelines.checking.check import check
from pipelines.checking.folder_cohort import Options

WRITERS: dict[str, Callable[[Path], None]] = {
    "eicu": relational_layouts.write_eicu,
    "fhir": fhir_layout.write_fhir,
    "meds": relational_layouts.write_meds,
    "mimic_iii": relational_layouts.write_mimic_iii,
    "mimic_iv": relational_layouts.write_mimic_iv,
    "omop": relational_layouts.write_omop,
}
READ = {"eicu": 2, "fhir": 2, "meds": 3, "mimic_iii": 2, "mimic_iv": 3, "omop": 2}


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_set_is_found_by_its_layout_and_read(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path)
    found = check(tmp_path, "", Options())
    assert (found.layout, found.cases_read) == (name, READ[name])
    assert found.cases_listed == found.cases_read + found.skipped
    assert found.measurements.known


def test_rows_that_are_left_out_for_one_reason_are_all_counted(tmp_path: Path) -> None:
    """Three pressures of one row are later than the decision; the reader says it once."""
    relational_layouts.write_eicu(tmp_path)
    found = check(tmp_path, "eicu", Options())
    (late,) = [
        one for one in found.left_out if one.place == "vitalAperiodic.csv, column observationoffset"
    ]
    assert late.count == 3
    assert late.reason == (
        "the time is after the decision; nothing later than the decision is used."
    )
