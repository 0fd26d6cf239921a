"""What an ASSESSED event records besides the digests of assessment, inputs and model."""

from __future__ import annotations

from clinical import canonical, conditions
from clinical.case.assessment import Assessment, as_json
from clinical.conditions import Conditions


def pinned(assessment: Assessment, found: Conditions | None) -> dict[str, object]:
    """Keys of the payload: the explanation, and under what the assessment was computed if known.

    Inputs (SOP Instance UIDs, digests of files and pixels, measurements raw and normalised, notes)
    are in the case record, which the input digest names; outputs are in the assessment.
    """
    methods = sorted({explanation.method for explanation in assessment.explanations})
    kept: dict[str, object] = {
        "explanation": {
            "methods": methods,
            "digest": canonical.digest(as_json(assessment)["explanations"]),
        }
    }
    return kept | ({"conditions": conditions.as_json(found)} if found else {})
