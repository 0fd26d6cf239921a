"""What the electrocardiogram of a visit shows: the likelihoods of findings, and the heart.

Findings depend on the conditions and on nothing else of the visit; the heart rate is one more
reading of the patient's heart rate, so it agrees with the vital signs of the chart. `trace`
draws the twelve leads of what is decided here. All random numbers come from generators of their
own, so nothing else of a case changes with it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from clinical.canonical import sha256
from clinical.errors import ConfigError
from pipelines.laboratory.simulate.history import OBESE
from pipelines.laboratory.simulate.imaging import draw_extent
from pipelines.laboratory.simulate.laboratory import WITHIN_PERSON, clipped, drawn
from pipelines.laboratory.simulate.likelihoods import ImageFinding, Likelihoods
from pipelines.laboratory.simulate.person import Person, noisy_or
from pipelines.laboratory.simulate.senses import Visit

TABLE = Path(__file__).with_name("likelihoods.toml")

RATE = "heart_rate"
"""The analyte of the table of likelihoods that the electrocardiogram reads once more."""

OBESITY = "obesity"
"""The cause among `given` that is no illness of the table, but a body mass index."""

FIBRILLATION = "atrial_fibrillation"

TACHYCARDIA = 100
"""Beats per minute above which a sinus rhythm is a tachycardia."""

Territory = Literal["inferior", "anterior", "lateral"]

TERRITORIES: Mapping[Territory, float] = MappingProxyType(
    {"inferior": 0.40, "anterior": 0.35, "lateral": 0.25}
)
"""Share of each part of the heart in which something is ischaemic; no condition changes it."""


@dataclass(frozen=True)
class Device:
    """An electrocardiograph.

    Attributes:
        rate: samples per second.
        band: lower and upper cut-off of its filters, Hz.
        muscle, mains, wander: standard deviation of each disturbance before the filters, mV.
        step: of its converter, mV.
    """

    rate: int
    band: tuple[float, float]
    muscle: float
    mains: float
    wander: float
    step: float
    source: str


@dataclass(frozen=True)
class EcgTable:
    """The whole table; findings have the form of those of a radiograph.

    Attributes:
        absent: probability that no electrocardiogram was recorded.
        hours: before the decision, between which it was.
        findings: base, causes and extent of each.
        devices: site to device.
        digest: SHA-256 of the file.
    """

    absent: float
    hours: tuple[float, float]
    findings: Mapping[str, ImageFinding]
    devices: Mapping[str, Device]
    digest: str

    def device(self, site: str) -> Device:
        """The device of a site; of the first site, where it has no entry."""
        return self.devices.get(site, next(iter(self.devices.values())))


@dataclass(frozen=True)
class Heart:
    """What stays the same over the visits of one patient, and tells nothing of any illness.

    Attributes:
        axis_deg: of QRS in the frontal plane.
        pr_ms, qrs_ms, qtc_ms: durations; QT is corrected by Fridericia's formula.
        voltage: factor on all leads.
        t_wave: factor on T.
        electrodes: standard normal shifts of the six chest electrodes in three directions.
        variability: factor on the heart-rate variability.
    """

    axis_deg: float
    pr_ms: float
    qrs_ms: float
    qtc_ms: float
    voltage: float
    t_wave: float
    electrodes: tuple[tuple[float, float, float], ...]
    variability: float


@dataclass(frozen=True)
class EcgSpec:
    """One electrocardiogram before it is drawn.

    Attributes:
        findings: finding to extent in the unit of the table; absent findings are not keys.
        rate: ventricular rate, whole beats per minute.
        territory: where ST is elevated or depressed, or T inverted.
        hours: before the decision at which it was recorded.
        heart: the patient's.
        device: the site's.
    """

    findings: Mapping[str, float]
    rate: int
    territory: Territory
    hours: float
    heart: Heart
    device: Device

    @property
    def rhythm(self) -> str:
        """Atrial fibrillation, sinus tachycardia, or sinus rhythm."""
        if FIBRILLATION in self.findings:
            return "atrial fibrillation"
        return "sinus tachycardia" if self.rate > TACHYCARDIA else "sinus rhythm"


@lru_cache(maxsize=4)
def load(path: Path = TABLE) -> EcgTable:
    """Read the table.

    Raises:
        ConfigError: if the file is not TOML of this form.
    """
    content = path.read_bytes()
    try:
        data = tomllib.loads(content.decode())
        low, high = data["visit"]["hours"]
        findings = {key: ImageFinding(**value) for key, value in data["findings"].items()}
        devices = {key: _device(value) for key, value in data["devices"].items()}
        return EcgTable(
            absent=float(data["visit"]["absent"]),
            hours=(float(low), float(high)),
            findings=MappingProxyType(findings),
            devices=MappingProxyType(devices),
            digest=sha256(content),
        )
    except (UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path.name} is not a table of electrocardiograms: {error}",
            remedy="Compare it with ecg/likelihoods.toml of the simulated clinic.",
        ) from error


def _device(entry: Mapping[str, Any]) -> Device:
    low, high = entry["band"]
    return Device(**{**entry, "band": (float(low), float(high))})


def check(ecg: EcgTable, table: Likelihoods) -> None:
    """Whether every cause of a finding is one that the clinic can have.

    Raises:
        ConfigError: names the finding.
    """
    known = {*table.conditions, *table.background, OBESITY}
    for key, finding in ecg.findings.items():
        unknown = sorted(set(finding.given) - known)
        if unknown:
            raise ConfigError(
                f"findings.{key}.given names {', '.join(unknown)}, which the clinic does not have.",
                remedy="Use conditions and background illnesses of the table of likelihoods.",
            )


def draw_heart(rng: np.random.Generator) -> Heart:
    """Draw the heart of a patient, the same at every visit."""
    electrodes = rng.standard_normal((6, 3))
    return Heart(
        axis_deg=round(float(np.clip(rng.normal(42, 22), -25, 88)), 1),
        pr_ms=round(float(np.clip(rng.normal(160, 20), 118, 215)), 1),
        qrs_ms=round(float(np.clip(rng.normal(93, 8), 76, 112)), 1),
        qtc_ms=round(float(np.clip(rng.normal(412, 19), 365, 470)), 1),
        voltage=round(float(np.exp(0.14 * rng.standard_normal())), 3),
        t_wave=round(float(np.exp(0.22 * rng.standard_normal())), 3),
        electrodes=tuple((float(x), float(y), float(z)) for x, y, z in electrodes.round(3)),
        variability=round(float(np.exp(0.4 * rng.standard_normal())), 3),
    )


def draw_ecg(
    rng: np.random.Generator,
    visit: Visit,
    heart: Heart,
    ecg: EcgTable,
) -> EcgSpec | None:
    """Draw the electrocardiogram of a visit, or None where none was recorded.

    Args:
        rng: of this electrocardiogram only.
        visit: the person, what moves the heart rate, and where.
        heart: of the patient.
        ecg: likelihoods of the findings.
    """
    missing = rng.random() < ecg.absent
    hours = float(rng.uniform(*ecg.hours))
    analyte, physiology = visit.table.analytes[RATE], visit.physiology
    noise = analyte.spread * (visit.offsets[RATE] + WITHIN_PERSON * float(rng.standard_normal()))
    rate = clipped(analyte, drawn(analyte, noise, hours, physiology))
    names = list(TERRITORIES)
    territory = names[int(rng.choice(len(names), p=list(TERRITORIES.values())))]
    findings = _draw_findings(rng, causes_of(physiology.person, physiology.causes), ecg)
    if missing and not visit.complete:
        return None
    return EcgSpec(
        findings=MappingProxyType(findings),
        rate=round(rate),
        territory=territory,
        hours=round(hours, 2),
        heart=heart,
        device=ecg.device(visit.site),
    )


def causes_of(person: Person, causes: Mapping[str, float]) -> dict[str, float]:
    """Conditions and illnesses with their intensities, and obesity where it is there."""
    return {**causes, **({OBESITY: 1.0} if person.bmi >= OBESE else {})}


def _draw_findings(
    rng: np.random.Generator, causes: Mapping[str, float], ecg: EcgTable
) -> dict[str, float]:
    extents = {}
    for key, finding in ecg.findings.items():
        seen = rng.random() < noisy_or(finding.base, finding.given, dict.fromkeys(causes, 1.0))
        strength = max((causes[name] for name in finding.given if name in causes), default=1.0)
        extent = draw_extent(rng, finding, strength)
        if seen:
            extents[key] = round(extent, 4)
    return extents
