"""The three tables behind clinical.terms hold together."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from clinical.terms import loinc, normalise, specimens, units
from clinical.terms import loinc as loinc_rules

TERMS = loinc_rules.terms()


def loinc_check_digit(body: str) -> int:
    """Mod 10 as in the LOINC Users' Guide, appendix C: 2160 gives 0."""
    backwards = body[::-1]
    doubled = str(int(backwards[0::2]) * 2)
    total = sum(map(int, backwards[1::2] + doubled))
    return -total % 10


def test_the_check_digit_follows_the_guide() -> None:
    assert loinc_check_digit("12345") == 5  # the guide's own example
    assert loinc_check_digit("2160") == 0
    assert loinc_check_digit("2161") != 0


ISSUED_SO = {"5895-7"}
"""Deprecated codes of the first versions of LOINC, which had other check digits."""


@pytest.mark.parametrize("term", TERMS, ids=lambda t: t.code)
def test_codes_have_valid_check_digits(term: loinc.Term) -> None:
    for code in {term.code, *term.equivalents} - ISSUED_SO:
        body, digit = code.split("-")
        assert loinc_check_digit(body) == int(digit), code


def test_codes_of_other_specimens_have_valid_check_digits() -> None:
    for code in specimens.other_specimens():
        body, digit = code.split("-")
        assert loinc_check_digit(body) == int(digit), code


@pytest.mark.parametrize("term", [t for t in TERMS if t.range_from[:1].isdigit()], ids=str)
def test_a_plausible_range_of_a_sibling_is_that_of_the_sibling(term: loinc.Term) -> None:
    sibling = loinc.lookup(term.range_from)
    assert sibling is not None
    assert (sibling.plausible, sibling.unit) == (term.plausible, term.unit)


def test_there_are_enough_terms_and_no_code_twice() -> None:
    codes = [code for term in TERMS for code in (term.code, *term.equivalents)]
    assert len(TERMS) >= 60
    assert len(codes) == len(set(codes))
    assert len({t.name for t in TERMS}) == len(TERMS)


def test_aliases_belong_to_one_term_and_shared_names_to_several() -> None:
    owners: dict[str, set[str]] = {}
    shared: dict[str, set[str]] = {}
    for term in TERMS:
        for name in (term.name, *term.aliases):
            owners.setdefault(loinc.plain(name), set()).add(term.code)
        for name in term.shared_names:
            shared.setdefault(loinc.plain(name), set()).add(term.code)

    assert {name: codes for name, codes in owners.items() if len(codes) > 1} == {}
    assert {name: codes for name, codes in shared.items() if len(codes) < 2} == {}
    assert owners.keys() & shared.keys() == set()
    assert "" not in owners


@pytest.mark.parametrize("term", TERMS, ids=lambda t: t.code)
def test_every_accepted_unit_is_read_and_converts(term: loinc.Term) -> None:
    low, high = term.plausible
    assert low < high
    assert term.accepted[0] == term.unit
    for unit in term.accepted:
        assert term.read_unit(unit) == unit
        middle = normalise.convert(normalise.express((low + high) / 2, unit, term), unit, term)
        assert middle == pytest.approx((low + high) / 2)
    assert normalise.convert(low, term.unit, term) == low


@pytest.mark.parametrize("term", TERMS, ids=lambda t: t.code)
def test_only_plain_numbers_may_come_without_a_unit(term: loinc.Term) -> None:
    unitless = term.unit in ("[pH]", "{INR}", "{score}")
    assert (term.read_unit("") is not None) == unitless


def test_units_share_no_spelling_within_a_quantity() -> None:
    seen: dict[tuple[str, str], str] = {}
    for of_code in units.table().values():
        for unit in of_code:
            for spelling in unit.spellings:
                owner = seen.setdefault((unit.quantity, spelling), unit.code)
                assert owner == unit.code, f"{spelling!r} in {unit.quantity}"


def test_every_unit_of_the_table_is_used() -> None:
    accepted = {code for term in TERMS for code in term.accepted}
    assert set(units.table()) == accepted


@pytest.mark.parametrize("code", loinc.reference_rows(), ids=str)
def test_ranges_lie_inside_plausible_and_name_their_source(code: str) -> None:
    term = loinc_rules.lookup(code)
    assert term is not None
    assert term.code == code
    for row in loinc.reference_rows()[code]:
        assert row.source
        assert row.low is not None or row.high is not None
        low = row.low if row.low is not None else -math.inf
        high = row.high if row.high is not None else math.inf
        assert low < high
        for limit in (row.low, row.high):
            assert limit is None or term.plausible[0] <= limit <= term.plausible[1]
        if term.scale == "log":
            assert all(limit is None or limit > 0 for limit in (row.low, row.high))


@pytest.mark.parametrize("code", loinc.reference_rows(), ids=str)
def test_no_two_ranges_fit_one_person(code: str) -> None:
    for one, other in combinations(loinc.reference_rows()[code], 2):
        same_sex = one.sex is None or other.sex is None or one.sex == other.sex
        if one.ages is None or other.ages is None:
            assert not (same_sex and one.ages is None and other.ages is None)
            continue
        overlap = one.ages[0] < other.ages[1] and other.ages[0] < one.ages[1]
        assert not (same_sex and overlap)


@pytest.mark.parametrize(
    "raw",
    ["10*3/uL", "10^3/µL", "10³/μl", "x10^3/uL", "×10³/µl", "10**3/uL", "10E3/uL", "10 ^ 3 / uL"],
)
def test_powers_of_ten_are_one_spelling(raw: str) -> None:
    term = loinc_rules.lookup("WBC")
    assert term is not None
    assert term.read_unit(raw) == "10*3/uL"


@pytest.mark.parametrize("raw", ["kelvin/uL", "10*33/uL", "10*3/dL", "mg/dL/L", "uL", "10*3"])
def test_units_outside_the_table_are_not_interpreted(raw: str) -> None:
    term = loinc_rules.lookup("WBC")
    assert term is not None
    assert term.read_unit(raw) is None


def test_a_case_bound_spelling_needs_its_capitals() -> None:
    leukocytes, haemoglobin = loinc_rules.lookup("WBC"), loinc_rules.lookup("Hb")
    assert leukocytes is not None
    assert haemoglobin is not None
    assert leukocytes.read_unit("G/L") == "10*9/L"
    assert leukocytes.read_unit("g/l") is None
    assert haemoglobin.read_unit("G/L") == "g/L"


def test_units_that_do_not_meet_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot become"):
        units.conversion(units.named("mg/dL"), units.named("mmol/L"), molar_mass=None, valence=None)
    with pytest.raises(ValueError, match="0 units"):
        units.named("furlong")


def test_two_accepted_units_may_not_share_a_spelling() -> None:
    with pytest.raises(ValueError, match="both"):
        units.reader((units.named("%", "fraction"), units.named("%", "glycated_fraction")))
