"""Cases with electrocardiograms to open the page on: two tracings and an earlier one, and none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import reading_fixture

from clinical.case.assessment import Assessment, EvidenceItem, Explanation
from clinical.case.case import Case, input_digest
from clinical.case.shapes import Array, Arrays
from clinical.modalities.ecg import encoder
from clinical.modalities.ecg.tracing import array_of
from clinical.modalities.ecg.waveform import Waveform, canonical
from clinical.review import intake
from clinical.workspace.database import open_workspace, writing
from pipelines.laboratory.simulate.ecg import heart
from pipelines.laboratory.simulate.ecg.trace import LEADS, draw_trace

READ, UNREAD, WITHOUT = "CASE-001", "CASE-002", "CASE-003"


def tracing(seed: int, rate: int, **findings: float) -> Array:
    """Ten seconds of the simulated clinic."""
    owner = heart.draw_heart(np.random.default_rng(seed))
    device = heart.load().device("A")
    spec = heart.EcgSpec(MappingProxyType(findings), rate, "inferior", 1.0, owner, device)
    trace = draw_trace(spec, np.random.default_rng(seed))
    source = {"acquired": f"2031-03-04T0{seed}:20:00+00:00"}
    return array_of(canonical(Waveform(LEADS, trace.samples, float(trace.rate), source)))


def make_workspace(folder: Path) -> Path:
    """`READ` by a model that knows tracings, `UNREAD` by one that does not, and `WITHOUT`."""
    engine = open_workspace(folder, create=True)
    for number in (1, 2, 3):
        case = reading_fixture.make_case(number)
        if case.case_id != WITHOUT:
            case = _with_tracings(case)
        assessment = reading_fixture.make_assessment(case)
        assessment = replace(assessment, input_digest=input_digest(case))
        if case.case_id == READ:
            assessment = _reads(case, assessment)
        elif case.case_id == UNREAD:
            assessment = replace(assessment, unknown=("ecg", "prior_ecg"))
        with writing(engine) as connection:
            intake.record_assessment(connection, case, assessment, "system")
    engine.dispose()
    return folder


def _with_tracings(case: Case) -> Case:
    now = (tracing(2, 118, right_strain=0.9), tracing(1, 84, atrial_fibrillation=0.12))
    return replace(
        case,
        inputs={**case.inputs, "ecg": Arrays(now), "prior_ecg": Arrays((tracing(3, 70),))},
    )


def _reads(case: Case, assessment: Assessment) -> Assessment:
    return replace(
        assessment,
        used=(*assessment.used, "ecg"),
        explanations=tuple(_explained(case, one) for one in assessment.explanations),
    )


def _explained(case: Case, one: Explanation) -> Explanation:
    """The first diagnosis rests on T in V1 to V3, another one on QRS in I."""
    value = case.inputs["ecg"]
    assert isinstance(value, Arrays)
    first = one.diagnosis == reading_fixture.DIAGNOSES[0]
    weights = {"V1": 0.10, "V2": 0.08, "V3": 0.05} if first else {"I": -0.09}
    part = 2 if first else 1
    prepared = encoder.prepare(value, encoder.Settings())
    items = [
        EvidenceItem("ecg", 0, source.label, weights[source.label], source.start, source.end)
        for source, code in zip(prepared.sources, prepared.features["code"], strict=True)
        if source.label in weights and code % 3 == part
    ]
    shares = {name: 0.8 * share for name, share in one.share.items()} | {"ecg": 0.2}
    return replace(one, share=shares, items=(*one.items, *items))
