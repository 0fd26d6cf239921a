"""What the clinic writes and what becomes of it: tests/spec/terms.csv, and properties."""

from __future__ import annotations

import csv
import json
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.case.shapes import Measurement
from clinical.errors import TermError
from clinical.terms import loinc, normalise
from clinical.terms.cells import BOUND

SPEC = Path(__file__).parents[2] / "spec" / "terms.csv"
ROWS = list(csv.DictReader(SPEC.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r['name']} {r['raw_value']} {r['raw_unit']}")
def test_spec_table(row: dict[str, str]) -> None:
    found = normalise.measurement(row["name"], row["raw_value"], row["raw_unit"])

    assert found.code == row["code"]
    assert found.unit == row["unit"]
    assert (found.raw_value, found.raw_unit) == (row["raw_value"], row["raw_unit"])
    if row["value"]:
        assert found.value == pytest.approx(float(row["value"]), rel=1e-8)
        assert found.problem == ""
    else:
        assert found.value is None
        assert row["problem"]
        assert row["problem"] in found.problem


def test_the_spec_table_is_long_enough() -> None:
    assert len(ROWS) >= 80


def test_keeps_time_and_chooses_the_range_for_the_person() -> None:
    at = datetime(2024, 1, 2, 3, 4, tzinfo=UTC)
    found = normalise.measurement("Hb", "12.5", "g/dL", time=at, sex="male", age_years=60)

    assert found.time == at
    assert found.reference == (13.0, 17.5)
    assert normalise.abnormality(found) == pytest.approx(-0.5 / 4.5)


@pytest.mark.parametrize(
    ("code", "sex", "age", "expected"),
    [
        ("718-7", "female", 40, (12.0, 15.5)),
        ("718-7", None, 40, (12.0, 17.5)),  # sex unknown: the widest of both
        ("718-7", "male", 3, (11.0, 14.0)),
        ("718-7", "male", 0.1, (None, None)),  # newborn: no row, and no adult range instead
        ("48065-7", None, 49, (None, 500.0)),
        ("48065-7", None, 78, (None, 780.0)),  # age x 10 above 50
        ("48065-7", None, None, (None, 500.0)),
        ("33762-6", None, 49, (None, 450.0)),
        ("33762-6", None, 76, (None, 1800.0)),
        ("33762-6", None, None, (None, 300.0)),
        ("4537-7", "female", 70, (None, 40.0)),
        ("8867-4", None, 0.5, (100.0, 180.0)),
        ("8867-4", None, 30, (51.0, 90.0)),
        ("8867-4", None, math.nan, (51.0, 90.0)),
        ("26515-7", None, 30, (150.0, 410.0)),  # an equivalent LOINC code
        ("no such code", None, 30, (None, None)),
    ],
)
def test_reference_range(code, sex, age, expected) -> None:
    assert loinc.reference_range(code, sex=sex, age_years=age) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("code", "value", "reference", "expected"),
    [
        ("2951-2", 140.0, (133.0, 146.0), 0.0),
        ("2951-2", 146.0, (133.0, 146.0), 0.0),
        ("2951-2", 126.5, (133.0, 146.0), -0.5),
        ("2951-2", 152.5, (133.0, 146.0), 0.5),
        ("6690-2", 40.0, (4.0, 10.0), math.log(4) / math.log(2.5)),  # log scale
        ("1988-5", 50.0, (None, 5.0), 1.0),  # one decade above a limit open below
        ("69405-9", 30.0, (60.0, None), -0.5),  # half way from the limit to zero
        ("751-8", 0.0, (1.5, 7.7), math.log(1e-6) / math.log(7.7 / 1.5)),  # zero is finite
        ("11555-0", -10.0, (-2.0, 3.0), -8 / 5),
        ("local:x", 5.0, (None, None), 0.0),
        ("2951-2", None, (133.0, 146.0), 0.0),
        ("2951-2", math.nan, (133.0, 146.0), 0.0),
    ],
)
def test_abnormality(code, value, reference, expected) -> None:
    one = Measurement(code, "", value, "", None, "", "", reference)
    assert normalise.abnormality(one) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("  wbc ", "6690-2"),
        ("White-Blood Cells", "6690-2"),
        ("Haematocrit", "4544-3"),
        ("HAMATOKRIT", None),
        ("HÄMATOKRIT", "4544-3"),
        ("γ-GT", "2324-2"),
        ("Gesamteiweiß", "2885-2"),
        ("2160-0", "2160-0"),
        ("neutrophils", None),  # share or absolute: only a unit can say
        ("D-dimer", None),
        ("", None),
    ],
)
def test_lookup(name: str, code: str | None) -> None:
    term = loinc.lookup(name)
    assert (term.code if term else None) == code


def test_refused_conversion_names_code_and_unit_but_no_value_and_no_stray_text() -> None:
    potassium = loinc.lookup("potassium")
    assert potassium is not None
    with pytest.raises(TermError) as known:
        normalise.convert(4.123, "mg/dL", potassium)
    with pytest.raises(TermError) as stray:
        normalise.convert(4.123, "Jane Doe", potassium)

    assert "2823-3" in str(known.value)
    assert "'mg/dL'" in str(known.value)
    assert "mmol/L" in known.value.remedy
    assert "4.123" not in str(known.value)
    assert "Jane" not in str(stray.value)


def test_problems_never_repeat_what_the_source_wrote() -> None:
    for raw in ("123456", "<98765", "Jane Doe 4,5,6", "12.5x"):
        for unit in ("Jane Doe", "mmol/L", ""):
            problem = normalise.measurement("potassium", raw, unit).problem
            assert problem
            assert raw not in problem
            assert "Jane" not in problem


ANY_TERM = st.sampled_from(loinc.terms())
NAMES = st.one_of(st.text(), ANY_TERM.map(lambda t: t.code), ANY_TERM.map(lambda t: t.name))
RAW = st.one_of(
    st.text(),
    st.floats().map(str),
    st.integers().map(str),
    st.from_regex(r"[<>]?-?\d{1,4}[.,]?\d{0,4}", fullmatch=True),
)


@settings(max_examples=300, deadline=None)
@given(name=NAMES, raw=RAW, unit=st.one_of(st.text(), st.sampled_from(["mg/L", "%", "1", "/uL"])))
def test_any_text_gives_a_plausible_value_or_a_problem(name: str, raw: str, unit: str) -> None:
    found = normalise.measurement(name, raw, unit)
    check(found)


@settings(max_examples=300, deadline=None)
@given(term=ANY_TERM, number=st.floats(allow_nan=True), data=st.data())
def test_accepted_units_give_a_plausible_value_or_a_problem(term, number, data) -> None:
    unit = data.draw(st.sampled_from(term.accepted))
    found = normalise.measurement(term.code, str(number), unit, sex="female", age_years=50)
    check(found)
    assert found.code == term.code


def check(found: Measurement) -> None:
    """Value and unit, or a problem; never both, never neither; never beyond plausible."""
    assert (found.value is None) == bool(found.problem)
    assert (found.value is None) == (found.unit == "")
    assert math.isfinite(normalise.abnormality(found))
    if found.value is not None:
        term = loinc.lookup(found.code)
        assert term is not None
        assert term.plausible[0] <= found.value <= term.plausible[1]
        assert found.unit == term.unit


@settings(max_examples=300, deadline=None)
@given(term=ANY_TERM, share=st.floats(0, 1), data=st.data())
def test_conversion_there_and_back(term, share, data) -> None:
    low, high = term.plausible
    value = low + share * (high - low)
    unit = data.draw(st.sampled_from(term.accepted))
    there = normalise.express(value, unit, term)
    assert normalise.convert(there, unit, term) == pytest.approx(value, rel=1e-9, abs=1e-9)


def test_a_cohort_looks_a_name_and_its_range_up_once() -> None:
    tables = (normalise.place, loinc.reference_range)
    for table in tables:
        table.cache_clear()
    for i in range(1_000):
        normalise.measurement("Leukozyten", f"{3 + i % 9}", "Tsd/µl", sex="male", age_years=60.0)
    assert [table.cache_info().misses for table in tables] == [1, 1]


@pytest.mark.real_data
def test_us_core_observations_come_through(shared_data: Path) -> None:
    """Every quantity of the US Core examples whose code is known is normalised."""
    seen = 0
    for file in sorted((shared_data / "fhir_us_core").glob("*.json")):
        observation = json.loads(file.read_text(encoding="utf-8"))
        if observation["resourceType"] != "Observation":
            continue
        for part in (observation, *observation.get("component", [])):
            quantity = part.get("valueQuantity", {})
            codes = [c["code"] for c in part["code"]["coding"] if c["system"].endswith("loinc.org")]
            known = [c for c in codes if loinc.lookup(c)]
            if not known or "value" not in quantity or not quantity.get("code"):
                continue
            found = normalise.measurement(known[0], str(quantity["value"]), quantity["code"])
            assert found.problem == "", f"{file.name}: {found.problem}"
            assert known[0] in (found.code, *loinc.lookup(found.code).equivalents)
            seen += 1
    assert seen >= 20


@pytest.mark.real_data
def test_hannover_laboratory_values(shared_data: Path) -> None:
    """Every entry of the Hannover table is a value or, where binned to infinity, a bound."""
    columns = {
        "crp_val": ("CRP", "mg/l"),
        "d-dimer_val": ("48065-7", "mg/l"),
        "factor_xii_val": ("factor XIII", "%"),
        "ldh_val": ("LDH", "U/l"),
        "lymphocytes_val": ("lymphocytes", "Tsd/µl"),
        "neutrophils_val": ("neutrophils", "Tsd/µl"),
        "pco2_val": ("pCO2", "mmHg"),
        "po2_val": ("pO2", "mmHg"),
    }
    with (shared_data / "hannover" / "data.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    problems = [
        normalise.measurement(columns[column][0], row[column], columns[column][1]).problem
        for row in rows
        for column in columns
        if row[column]
    ]
    assert len(problems) > 200
    assert {p for p in problems if p} <= {BOUND}
