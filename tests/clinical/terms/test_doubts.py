"""Values that are more often those of something else than of what their name says."""

from __future__ import annotations

import csv
from importlib import resources

import pytest

from clinical.terms import doubts, loinc, normalise

TEXT = resources.files("clinical.terms").joinpath("doubtful.csv").read_text(encoding="utf-8")
ROWS = list(csv.DictReader(TEXT.splitlines()))


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r['code']} {r['may_be']}")
def test_every_limit_is_inside_plausible_and_leaves_the_reference_range_alone(
    row: dict[str, str],
) -> None:
    term = loinc.lookup(row["code"])
    assert term is not None
    assert row["may_be"] in doubts.KINDS
    assert all(term.read_unit(unit) == unit for unit in row["units"].split())
    low, high = loinc.reference_range(term.code)
    if row["low"]:
        assert term.plausible[0] < float(row["low"])
        assert low is None or float(row["low"]) < low
    if row["high"]:
        assert float(row["high"]) < term.plausible[1]
        assert high is None or float(row["high"]) > high


def test_ionised_calcium_is_not_total_calcium() -> None:
    alone = normalise.understand("Ca", "1.2", "mmol/l", specimen="serum")

    assert alone.measurement.value is None
    assert (alone.column, "ionised" in alone.measurement.problem) == ("code", True)
    assert normalise.measurement("Calcium gesamt", "1.2", "mmol/l").value == pytest.approx(4.80936)
    assert normalise.measurement("17861-6", "1.2", "mmol/l").value == pytest.approx(4.80936)
    assert normalise.measurement("Ca", "2.3", "mmol/l").value == pytest.approx(9.21794)


def test_a_share_of_one_under_per_cent_is_said() -> None:
    found = normalise.understand("Lymphozyten", "0.25", "%")

    assert found.measurement.value is None
    assert found.column == "unit"
    assert normalise.measurement("Lymphozyten", "0.25", "1").value == 25
    assert normalise.measurement("736-9", "0.25", "%").value == 0.25
