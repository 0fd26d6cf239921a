"""The electrocardiogram as a further sense of the simulated clinic, written as DICOM."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from clinical.dicom.write import StudyHeader, derived_uid
from clinical.dicom.write_ecg import write_ecg
from clinical.modalities.ecg.leads import code_of
from pipelines.laboratory.simulate.ecg.beat import LEADS
from pipelines.laboratory.simulate.ecg.heart import EcgSpec, check, draw_ecg, draw_heart, load
from pipelines.laboratory.simulate.ecg.trace import draw_trace
from pipelines.laboratory.simulate.likelihoods import Likelihoods
from pipelines.laboratory.simulate.senses import Owner, Sense, Visit

MANUFACTURER = "Triptych simulation"


def _draw(visit: Visit, rng: np.random.Generator, body: np.random.Generator) -> EcgSpec | None:
    return draw_ecg(rng, visit, draw_heart(body), load())


def _write(path: Path, shown: EcgSpec, owner: Owner, rng: np.random.Generator) -> datetime:
    trace = draw_trace(shown, rng)
    header = _header(owner, owner.decision_time - timedelta(minutes=round(60 * shown.hours)))
    leads = [(code_of(lead), lead) for lead in LEADS]
    write_ecg(
        path.with_name(f"{path.name}{SENSE.ending}"),
        trace.samples,
        leads,
        trace.rate,
        header,
        band_hz=shown.device.band,
        deflated=True,
    )
    return header.acquired


def _header(owner: Owner, acquired: datetime) -> StudyHeader:
    study, series, instance = (
        derived_uid(MANUFACTURER, "ecg", owner.case_id, level)
        for level in ("study", "series", "instance")
    )
    return StudyHeader(
        patient_id=owner.patient_id,
        patient_name=f"SIMULATED^{owner.patient_id}",
        sex=owner.person.sex,
        age_years=int(owner.person.age_years),
        acquired=acquired,
        study_uid=study,
        series_uid=series,
        instance_uid=instance,
        institution=f"Simulated clinic, site {owner.site}",
        manufacturer=MANUFACTURER,
        comment="Simulated: no patient was recorded.",
    )


def _check(table: Likelihoods) -> None:
    check(load(), table)


def _digest() -> str:
    return load().digest


SENSE = Sense("ecg", "ecgs", ".dcm", _draw, _write, _check, _digest)
