"""The short list of diagnoses that readers search when they add one."""

from __future__ import annotations

import re

from clinical.review.decisions import CODED
from clinical.terms.diagnoses import diagnoses, spoken


def test_every_code_is_one_that_a_decision_may_name_and_stands_once() -> None:
    listed = diagnoses()

    assert len(listed) > 60
    assert all(CODED.fullmatch(code) for code in listed)
    assert all(re.fullmatch(r"ICD-10:[A-Z]\d\d(\.\d)?", code) for code in listed)
    assert len({item.name for item in listed.values()}) == len(listed)


def test_snomed_concepts_carry_a_right_check_digit() -> None:
    """SNOMED CT identifiers end in a Verhoeff check digit (Release File Specification 5.8)."""
    concepts = [item.snomed for item in diagnoses().values() if item.snomed]

    assert len(concepts) > 20
    assert len(set(concepts)) == len(concepts)
    assert [concept for concept in concepts if not verhoeff(concept)] == []


def test_a_code_is_spoken_by_its_name() -> None:
    assert spoken("ICD-10:J93.9") == "Pneumothorax"
    assert spoken("ICD-10:Z99.9") is None


def product(a: int, b: int) -> int:
    """Of the dihedral group of the pentagon: 0-4 turn it, 5-9 turn it over too."""
    turned = (a + b if a < 5 else a - b) % 5
    return turned if (a < 5) == (b < 5) else turned + 5


def verhoeff(digits: str) -> bool:
    turn = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    check = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(place):
            value = turn[value]
        check = product(check, value)
    return check == 0
