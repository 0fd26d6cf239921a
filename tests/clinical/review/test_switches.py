"""What readers change after they saw the machine's suggestions."""

from __future__ import annotations

from typing import Any

import pytest

from clinical.review import first_read
from clinical.review import switches as switches_rules
from clinical.review.switches import Switches, switches

# first read, final word, machine, truth -> counts
TABLE: list[tuple[str, str, str, dict[str, bool | None], Switches]] = [
    ("a", "a", "a", {}, Switches(kept=1)),
    ("a", "a", "b", {}, Switches(kept=2)),
    ("a", "ab", "b", {}, Switches(kept=1, to_machine=1)),
    ("a", "", "b", {}, Switches(kept=1, to_machine=1)),
    ("a", "", "a", {}, Switches(from_machine=1)),
    ("", "b", "", {}, Switches(from_machine=1)),
    ("a", "b", "b", {"a": False, "b": True}, Switches(to_machine=2, helpful=2)),
    ("a", "b", "b", {"a": True, "b": False}, Switches(to_machine=2, harmful=2)),
    ("a", "b", "b", {"a": True, "b": None}, Switches(to_machine=2, harmful=1)),
    ("", "", "", {"c": True}, Switches(kept=1)),
]


@pytest.mark.parametrize(("first", "final", "machine", "truth", "counts"), TABLE, ids=str)
def test_counts(
    first: str, final: str, machine: str, truth: dict[str, bool | None], counts: Switches
) -> None:
    assert switches(set(first), set(final), set(machine), truth) == counts


def test_only_signed_readings_with_a_first_read_are_counted(ward: Any) -> None:
    def counted(truth: dict[str, bool | None]) -> tuple[int, Switches]:
        with ward.engine.connect() as connection:
            return switches_rules.counted(connection, {"case-1": truth})

    ward.accept("dr.ada")
    ward.sign("dr.ada")  # opened before the protocol: no first read
    ward.protocol(first_read=True, second_share=1.0)
    ward.open("dr.bob")
    first_read.commit_first_read(ward.engine, ward.first_read("dr.bob", "pneumothorax"))
    ward.accept("dr.bob")
    assert counted({}) == (0, Switches())
    ward.sign("dr.bob")
    # Pneumonia was taken over from the machine; pneumothorax was given up, as the machine had it.
    assert counted({"bacterial_pneumonia": True, "pneumothorax": True}) == (
        1,
        Switches(to_machine=2, helpful=1, harmful=1),
    )
