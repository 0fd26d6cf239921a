"""What if an input were absent or a value different: a changed case, and a record of asking.

A hypothetical assessment is never stored, never the assessment of a case, and no decision can name
it. The ledger keeps that the question was asked: HYPOTHETICAL, with codes and digests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.case.assessment import Assessment, AuditEvent, assessment_digest
from clinical.case.case import Case
from clinical.case.shapes import Measurement, Measurements
from clinical.errors import ReviewError, TermError
from clinical.modalities.kit import kit_of
from clinical.terms.loinc import lookup
from clinical.terms.normalise import convert
from clinical.workspace.database import writing


@dataclass(frozen=True)
class LeftOut:
    """The case without one of its inputs."""

    modality: str


@dataclass(frozen=True)
class Changed:
    """The case with another value of one measurement.

    Attributes:
        modality: input that the measurement is in.
        index: its position there.
        value: what it would be, in the unit that the measurement has now.
    """

    modality: str
    index: int
    value: float


Change = LeftOut | Changed


def changed(case: Case, change: Change) -> Case:
    """`case` as it would be; the raw value of a measurement stays, its value does not.

    Raises:
        ReviewError: if there is no such input or measurement, nothing would remain, or the value
            is one that nobody can have.
    """
    match change:
        case LeftOut():
            if change.modality not in case.inputs:
                raise ReviewError("The case has no such input.", remedy="choose another one.")
            if len(case.inputs) == 1:
                raise ReviewError(
                    "Without this input there would be none left.", remedy="choose another change."
                )
            return case.without(change.modality)
        case Changed():
            before = measurement(case, change)
            _check_value(before, change.value)
            value = case.inputs[change.modality]
            items = list(kit_of(change.modality, value).measured(value))
            items[change.index] = replace(before, value=change.value, bound="")
            inputs = {**case.inputs, change.modality: Measurements(tuple(items))}
            return replace(case, inputs=inputs)


def measurement(case: Case, change: Changed) -> Measurement:
    """The measurement that a change is about, as it is now.

    Raises:
        ReviewError: if there is none, or it has no value that could be another one.
    """
    value = case.inputs.get(change.modality)
    items = () if value is None else kit_of(change.modality, value).measured(value)
    if not 0 <= change.index < len(items):
        raise ReviewError("The case has no such measurement.", remedy="choose another one.")
    found = items[change.index]
    if found.value is None:
        raise ReviewError(
            "This measurement could not be used, so it has no value to change.",
            remedy="choose another one.",
        )
    return found


def plausible(measured: Measurement) -> tuple[float, float] | None:
    """Lowest and highest value that a measurement can have, in its unit; None where unknown."""
    term = lookup(measured.code)
    if term is None:
        return None
    try:
        factor = convert(1.0, measured.unit, term) - convert(0.0, measured.unit, term)
        origin = convert(0.0, measured.unit, term)
    except TermError:
        return None
    low, high = ((limit - origin) / factor for limit in term.plausible)
    return low, high


def _check_value(measured: Measurement, value: float) -> None:
    limits = plausible(measured)
    if not math.isfinite(value) or (limits and not limits[0] <= value <= limits[1]):
        raise ReviewError(
            f"{measured.name} cannot have this value.",
            remedy=f"give one from {limits[0]:g} to {limits[1]:g}." if limits else "give a number.",
        )


def as_json(change: Change) -> dict[str, Any]:
    """A change as JSON-compatible values."""
    match change:
        case LeftOut():
            return {"left_out": change.modality}
        case Changed():
            return {"modality": change.modality, "index": change.index, "value": change.value}


def from_json(data: Mapping[str, Any]) -> Change:
    """Rebuild a change from `as_json`."""
    if "left_out" in data:
        return LeftOut(str(data["left_out"]))
    return Changed(str(data["modality"]), int(data["index"]), float(data["value"]))


def record(
    engine: Engine, case: Case, base: str, change: Change, found: Assessment, reader: str
) -> AuditEvent:
    """Append HYPOTHETICAL: this reader was shown what the model makes of the changed case.

    Args:
        engine: the workspace.
        case: as it is.
        base: digest of the assessment on the screen.
        change: what was asked.
        found: what the model made of the changed case.
        reader: account name.

    Raises:
        ReviewError: if the case has been assessed again since, or `found` is of another case.
    """
    if found.case_id != case.case_id:
        raise ReviewError("The answer belongs to another case.", remedy="ask again.")
    left_out, codes = [], []
    match change:
        case LeftOut():
            left_out = [change.modality]
        case Changed():
            codes = [measurement(case, change).code]
    with writing(engine) as connection:
        past = list(ledger.events(connection, case_id=case.case_id, kind="ASSESSED"))
        last = past[-1].payload if past else {}
        if base not in (last.get("assessment"), *last.get("beside", ())):
            raise ReviewError(
                "The case has been assessed again since this assessment was shown.",
                remedy="open the case again.",
            )
        payload = {
            "assessment": base,
            "left_out": left_out,
            "changed": codes,
            "hypothetical": assessment_digest(found),
        }
        return ledger.append(
            connection, "HYPOTHETICAL", actor=reader, case_id=case.case_id, payload=payload
        )
