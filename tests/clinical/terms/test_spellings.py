"""Names and units as laboratories write them, one a row of tests/spec/spellings.csv.

The table was written by hand from the lists of `mimic3_demo`, `eicu_demo` and `fhir_us_core` and
from what German, French, Spanish and English laboratories print: what each row must become, or why
it is not used.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import pytest

from clinical.terms import normalise

SPEC = Path(__file__).parents[2] / "spec" / "spellings.csv"
ROWS = list(csv.DictReader(SPEC.read_text(encoding="utf-8").splitlines()))


def words(row: dict[str, str]) -> str:
    return " ".join(filter(None, (row["name"], row["value"], row["unit"], row["specimen"])))


@pytest.mark.parametrize("row", ROWS, ids=words)
def test_a_spelling_becomes_what_it_means_or_says_why_not(row: dict[str, str]) -> None:
    found = normalise.measurement(row["name"], row["value"], row["unit"], specimen=row["specimen"])

    assert (found.raw_value, found.raw_unit) == (row["value"], row["unit"])
    if row["refused"]:
        assert found.value is None
        assert row["refused"] in found.problem
        return
    assert (found.problem, found.code, found.unit) == ("", row["loinc"], row["canonical_unit"])
    written = row["canonical_value"]
    assert found.value == pytest.approx(float(written.lstrip("<>")), rel=1e-6)
    assert found.bound == ("" if written[0] not in "<>" else written[0])


def test_there_are_300_and_each_source_has_its_share() -> None:
    sources = Counter(row["source"] for row in ROWS)

    assert len({words(row) for row in ROWS}) >= 300
    assert min(sources.values()) >= 30
    assert {"mimic3_demo", "fhir_us_core"} <= sources.keys()


@pytest.mark.real_data
def test_no_value_of_another_specimen_is_used_in_the_mimic_demo(shared_data: Path) -> None:
    """Every result of the set under its label and unit, with the fluid of its list of items."""
    folder = shared_data / "mimic3_demo"
    with (folder / "d_labitems.csv").open(encoding="utf-8", newline="") as file:
        items = {row["itemid"]: row for row in csv.DictReader(file)}
    used: Counter[str] = Counter()
    with gzip.open(folder / "labevents.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            item = items[row["itemid"]]
            found = normalise.measurement(
                item["label"], row["value"], row["valueuom"], specimen=item["fluid"]
            )
            used[item["fluid"].casefold()] += found.value is not None

    assert +used == {"blood": used["blood"]}
    assert used["blood"] > 59_000  # of 76,074; the others are of urine, in words, or not understood
