"""The shipped model knows simulated patients only: every real radiograph must be marked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from clinical.assess.assess import load_assessor
from clinical.case.case import Case
from clinical.cohorts.sources import source


def some_cases(name: str, root: Path, count: int) -> Iterator[Case]:
    reader = source(name)
    entries = reader.index(root)
    wanted = {entry.case_id for entry in entries[:: max(1, len(entries) // count)]}
    readings = (reading for reading in reader.read(root, wanted) if isinstance(reading, Case))
    return islice((case for case in readings if "image" in case.inputs), count)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["hannover", "covid_chestxray", "nih_chestxray"])
def test_real_radiographs_are_out_of_distribution(name: str, shared_data: Path) -> None:
    assessor = load_assessor()
    cases = list(some_cases(name, shared_data / name, 12))
    assert len(cases) >= 10
    for case in cases:
        found = assessor.assess(case)
        assert found.out_of_distribution.flagged
        assert any(reason.startswith("image") for reason in found.out_of_distribution.reasons)
        assert all(suggestion.withheld_because for suggestion in found.suggestions)
