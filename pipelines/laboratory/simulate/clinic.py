"""The simulated clinic: one generative model that draws everything known of one visit.

Order of drawing: person (traits, background) -> severity -> conditions -> signs, analytes, image
findings -> what was ordered, recorded and lost -> rows, note and radiograph specification ->
further senses (`senses`). Each part has its own stream of random numbers under (seed, number), so a
case is the same whatever else is drawn, in whatever order and process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from clinical import canonical
from clinical.case.shapes import Event, Sex, Text
from pipelines.laboratory.simulate import history, imaging, likelihoods, notes, person
from pipelines.laboratory.simulate.design import SHORTCUT_WITH, SHORTCUT_WITHOUT, Design
from pipelines.laboratory.simulate.examination import RadiographSpec, Side
from pipelines.laboratory.simulate.laboratory import (
    Physiology,
    RawMeasurement,
    draw_measurements,
    patient_offsets,
)
from pipelines.laboratory.simulate.likelihoods import Compression, Likelihoods, Photometric, Site
from pipelines.laboratory.simulate.notes import Report
from pipelines.laboratory.simulate.person import Person
from pipelines.laboratory.simulate.senses import Visit, senses

LABELS = (
    "bacterial_pneumonia",
    "viral_pneumonia",
    "heart_failure",
    "pleural_effusion",
    "pneumothorax",
    "copd_exacerbation",
    "pulmonary_embolism",
    "lung_mass",
    "none_of_these",
)
"""The labels of a simulated cohort; the last is true if and only if all others are false."""

TIME_ZONE = ZoneInfo("Europe/Berlin")

PLAIN = Design()

SEVERITY = (-2.5, 2.8)
"""Where the normal that severity is drawn from is clipped."""

SUDDEN = "sudden_onset"
DAYS = {True: 0.8, False: 4.0}
"""Median duration of a complaint in days, with and without a sudden onset."""

DAYS_SPREAD, DAYS_MOST = 0.7, 28
"""Standard deviation of the log duration, and the longest in days."""

_STREAMS = (
    "visit", "person", "measurements", "history", "notes", "image", "pixels",
    "body", "file", "shortcut",
)  # fmt: skip
# The place of a name decides its random numbers: add at the end only.


@dataclass(frozen=True)
class SimulatedPatient:
    """One visit as it would stand in the chart at `decision_time`, and the truth behind it.

    Attributes:
        case_id, patient_id: pseudonyms; a few patients have two cases.
        decision_time: with time zone; nothing below is later.
        site: name of the hospital; a patient keeps to one.
        sex, age_years: of the patient, None where the whole history is absent.
        diagnoses: labels that are true, from `LABELS`.
        conditions: active conditions, look-alikes too, and their intensity; never written.
        signs: symptoms and examination findings that are there; never written as such.
        events: coded history; empty where absent.
        measurements: rows as the site's laboratory wrote them; empty where absent.
        notes: sections of the admission note; empty where absent.
        report: what the note says, None where it is absent.
        radiograph: what to render, or None where there is no image.
        image_findings: visible finding to extent; empty where there is no image.
        acquired: when the radiograph was taken.
        photometric, compression: how the radiograph is stored.
        earlier: number of the patient's earlier case, if that has a radiograph to compare with.
        person: the patient, for the image header.
        severity: of the illness, a standard normal; decides what is measured under "mnar".
        recorded: further sense to what it shows; those that were not recorded are no keys.
    """

    case_id: str
    patient_id: str
    decision_time: datetime
    site: str
    sex: Sex | None
    age_years: int | None
    diagnoses: frozenset[str]
    conditions: Mapping[str, float]
    signs: frozenset[str]
    events: tuple[Event, ...]
    measurements: tuple[RawMeasurement, ...]
    notes: tuple[Text, ...]
    report: Report | None
    radiograph: RadiographSpec | None
    image_findings: Mapping[str, float]
    acquired: datetime
    photometric: Photometric
    compression: Compression
    earlier: int | None
    person: Person
    severity: float
    recorded: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Illness:
    """What is wrong at one visit."""

    person: Person
    severity: float
    conditions: Mapping[str, float]
    causes: Mapping[str, float]
    signs: frozenset[str]
    side: Side
    days: int


def draw_patient(
    seed: int, number: int, *, table: Likelihoods | None = None, design: Design = PLAIN
) -> SimulatedPatient:
    """Draw case `number` of the clinic with this seed.

    Args:
        seed: of the whole clinic, not negative.
        number: of the case, not negative.
        table: priors and likelihoods; the packaged table unless given.
        design: how values go missing, and whether a shortcut is planted.
    """
    table = table or likelihoods.load()
    site = _site(seed, number, table)
    illness, decision_time = _visit(seed, number, site, table)
    rng = stream(seed, number, "visit", 1)
    has = _available(rng, table, design)
    inflammation = float(rng.standard_normal())
    acquired = decision_time - timedelta(minutes=int(rng.integers(20, 300)))
    spec, findings = _radiograph(stream(seed, number, "image"), illness, site, table)
    who = illness.person
    report = _report(stream(seed, number, "notes"), illness, table) if "notes" in has else None
    physiology = _physiology(illness, inflammation, table.sites[site])
    labels = frozenset(illness.conditions) & set(LABELS) or frozenset({"none_of_these"})
    if design.shortcut:
        chance = SHORTCUT_WITH if design.shortcut in labels else SHORTCUT_WITHOUT
        spec = replace(spec, token=bool(stream(seed, number, "shortcut").random() < chance))
    return SimulatedPatient(
        case_id=f"sim-{seed}-{number:06d}",
        patient_id=f"sim-{seed}-p{_patient_number(seed, number, table):06d}",
        decision_time=decision_time,
        site=site,
        sex=who.sex if "history" in has else None,
        age_years=int(who.age_years) if "history" in has else None,
        diagnoses=labels,
        conditions=MappingProxyType(dict(illness.conditions)),
        signs=illness.signs,
        events=history.draw_events(
            stream(seed, number, "history"),
            who,
            illness.signs,
            illness.days,
            decision_time,
            table,
            table.sites[site].coding,
        )
        if "history" in has
        else (),
        measurements=draw_measurements(
            stream(seed, number, "measurements"),
            physiology,
            table.sites[site],
            decision_time,
            table,
            design.missing,
        )
        if "measurements" in has
        else (),
        notes=notes.write_note(
            stream(seed, number, "notes", 1),
            report,
            table,
            decision_time,
            table.sites[site].abbreviates,
        )
        if report
        else (),
        report=report,
        radiograph=spec if "image" in has else None,
        image_findings=MappingProxyType(dict(findings) if "image" in has else {}),
        acquired=acquired,
        photometric=table.sites[site].photometric,
        compression=_compression(seed, number, table.sites[site]),
        earlier=_earlier(seed, number, table, design),
        person=who,
        severity=illness.severity,
        recorded=_recorded(seed, number, physiology, site, table, design),
    )


def _recorded(
    seed: int, number: int, physiology: Physiology, site: str, table: Likelihoods, design: Design
) -> Mapping[str, Any]:
    """What the further senses of the design show."""
    if not design.senses:
        return MappingProxyType({})
    offsets = patient_offsets(stream(seed, number, "measurements"), table)
    visit = Visit(physiology, offsets, site, table, complete=design.missing == "none")
    patient = _patient_number(seed, number, table)
    found = {
        name: senses()[name].draw(
            visit, sense_stream(seed, number, name), sense_stream(seed, patient, name, 1)
        )
        for name in design.senses
    }
    return MappingProxyType({name: shown for name, shown in found.items() if shown is not None})


def _compression(seed: int, number: int, site: Site) -> Compression:
    return site.compression[int(stream(seed, number, "file").integers(len(site.compression)))]


def _earlier(seed: int, number: int, table: Likelihoods, design: Design) -> int | None:
    """The patient's earlier case, if its radiograph was taken."""
    first = earlier_visit(seed, number, table)
    if first is None:
        return None
    has = _available(stream(seed, first, "visit", 1), table, design)
    return first if "image" in has else None


def earlier_visit(seed: int, number: int, table: Likelihoods) -> int | None:
    """Number of the patient's earlier case, or None where this is the first."""
    first = _patient_number(seed, number, table)
    return None if first == number else first


def body(seed: int, number: int, *, table: Likelihoods | None = None) -> np.random.Generator:
    """The random numbers of a patient's anatomy, the same at every visit."""
    return stream(seed, _patient_number(seed, number, table or likelihoods.load()), "body")


def _radiograph(
    rng: np.random.Generator, illness: _Illness, site: str, table: Likelihoods
) -> tuple[RadiographSpec, Mapping[str, float]]:
    findings = imaging.draw_findings(rng, illness.causes, illness.side, table)
    spec = imaging.draw_radiograph(
        rng, illness.person, findings, illness.conditions, illness.severity, table.sites[site]
    )
    return spec, findings.extents


def _physiology(illness: _Illness, inflammation: float, site: Site) -> Physiology:
    latents = {
        "severity": illness.severity + site.severity,
        "inflammation": inflammation,
        "renal": illness.person.renal,
    }
    return Physiology(illness.person, illness.causes, latents)


def _report(rng: np.random.Generator, illness: _Illness, table: Likelihoods) -> Report:
    story = notes.Story(illness.person, illness.signs, illness.side, illness.days)
    return notes.draw_report(rng, story, table)


def stream(seed: int, number: int, purpose: str, part: int = 0) -> np.random.Generator:
    """The random numbers of one purpose of one case."""
    entropy = np.random.SeedSequence([seed, number, _STREAMS.index(purpose), part])
    return np.random.default_rng(entropy)


def sense_stream(seed: int, number: int, sense: str, part: int = 0) -> np.random.Generator:
    """The random numbers of a further sense: of the visit (0), the body (1), the signal (2)."""
    own = int(canonical.sha256(sense.encode())[:12], 16)
    # Beyond every place in `_STREAMS`, and the same whatever other senses there are.
    return np.random.default_rng(np.random.SeedSequence([seed, number, 1000, own, part]))


def _site(seed: int, number: int, table: Likelihoods) -> str:
    """The patient's hospital."""
    rng = stream(seed, _patient_number(seed, number, table), "visit", 2)
    shares = np.array([site.share for site in table.sites.values()])
    return list(table.sites)[int(rng.choice(len(shares), p=shares / shares.sum()))]


def _patient_number(seed: int, number: int, table: Likelihoods) -> int:
    """An odd number is now and then a later visit of the patient before it."""
    if number % 2 == 0:
        return number
    again = stream(seed, number, "person", 1).random() < table.visit.second_visit
    return number - 1 if again else number


def _visit(seed: int, number: int, site: str, table: Likelihoods) -> tuple[_Illness, datetime]:
    """Who comes, with what, and when."""
    rng = stream(seed, number, "visit")
    patient = _patient_number(seed, number, table)
    if patient != number:
        earlier, before = _visit(seed, patient, site, table)
        gap = timedelta(days=float(rng.uniform(21, 400)))
        who = person.later(earlier.person, gap.days / 365.25, frozenset(earlier.conditions))
        return _fall_ill(rng, who, site, table), _on_the_minute(before + gap)
    first, last = (datetime(year, 1, 1, tzinfo=UTC) for year in table.visit.years)
    moment = first + float(rng.random()) * (last - first)
    who = person.draw_person(stream(seed, number, "person"), table)
    return _fall_ill(rng, who, site, table), _on_the_minute(moment)


def _on_the_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0).astimezone(TIME_ZONE)


def _fall_ill(rng: np.random.Generator, who: Person, site: str, table: Likelihoods) -> _Illness:
    severity = float(np.clip(rng.standard_normal(), *SEVERITY))
    conditions = person.draw_conditions(rng, who, severity, table.sites[site], table)
    causes = {**dict.fromkeys(sorted(who.background), 1.0), **conditions}
    signs: dict[str, float] = {}
    for key, sign in table.signs.items():
        if rng.random() < person.noisy_or(sign.base, sign.given, {**causes, **signs}):
            signs[key] = 1.0
    duration = DAYS[SUDDEN in signs] * np.exp(DAYS_SPREAD * rng.standard_normal())
    days = int(np.clip(duration, 0, DAYS_MOST))
    return _Illness(
        who, severity, conditions, causes, frozenset(signs), imaging.draw_side(rng), days
    )


def _available(rng: np.random.Generator, table: Likelihoods, design: Design) -> frozenset[str]:
    """Modalities that exist for this case; at least one does."""
    absent = {
        "image": table.visit.absent_image,
        "measurements": table.visit.absent_measurements,
        "notes": table.visit.absent_notes,
        "history": table.visit.absent_history,
    }
    kept = frozenset(name for name, chance in absent.items() if rng.random() >= chance)
    if design.missing == "none":
        return frozenset(absent)
    return kept or frozenset({"measurements"})
