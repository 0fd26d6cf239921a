"""A simulated frontal chest radiograph from a description of patient and findings.

spec -> habitus -> chords of body, lungs, heart, bones, vessels -> findings -> mm of matter
     -> exposure (Beer-Lambert, scatter, noise) -> processing -> 12-bit pixels and masks
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pipelines.laboratory.simulate import (
    devices,
    findings,
    habitus,
    pose,
    scanner,
    skeleton,
    solids,
    thorax,
    vessels,
    xray,
)
from pipelines.laboratory.simulate.change import Change, Mask
from pipelines.laboratory.simulate.examination import (
    Consolidation,
    LinearAtelectasis,
    RadiographSpec,
)
from pipelines.laboratory.simulate.habitus import Habitus
from pipelines.laboratory.simulate.thorax import Lung, Thorax
from pipelines.laboratory.simulate.xray import Field, Frame, Matter

__all__ = ["Consolidation", "LinearAtelectasis", "Radiograph", "RadiographSpec", "render"]

ENLARGED = 0.5
"""Cardiothoracic ratio above which a heart counts as enlarged on a PA film (Danzer 1919)."""


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A rendered radiograph.

    Attributes:
        pixels: [rows, columns], 12 bit in 16, MONOCHROME2: dense is bright. The patient's right is
            on the left of the image.
        spacing_mm: row and column spacing at the detector.
        masks: "lungs" always; "consolidation", "interstitial", "edema", "effusion",
            "pneumothorax", "atelectasis", "mass", "collapse" and "token" where the spec asks for
            them; "cardiomegaly" (the heart) where the ratio exceeds 0.5.
        window: centre and width to display with.
    """

    pixels: NDArray[np.uint16]
    spacing_mm: tuple[float, float]
    masks: Mapping[str, Mask]
    window: tuple[float, float]


def render(
    spec: RadiographSpec,
    rng: np.random.Generator,
    *,
    rows: int = 512,
    body: np.random.Generator | None = None,
) -> Radiograph:
    """Render `spec` for one patient on a square detector of `rows` pixels.

    The same states of `rng` and `body`, spec and rows give the same pixels. Anatomy, findings and
    noise take separate streams, so that one state gives the same patient with and without a
    finding.

    Args:
        spec: patient, projection and findings.
        rng: field of view, pose, findings, technique and noise; the body too where `body` is None.
        rows: pixels along each side.
        body: the patient's own build, bones and vessels. A generator in the same state shows the
            same body on another day.
    """
    seeds = [int(seed) for seed in rng.integers(2**63, size=9)]
    view, gas, held, found, things, *streams = (np.random.default_rng(seed) for seed in seeds[1:])
    own = (np.random.default_rng(seeds[0]) if body is None else body).integers(2**63, size=5)
    build, skin, bones, *trees = (np.random.default_rng(seed) for seed in own)
    patient = habitus.draw(spec, build, pose.draw(spec, held))
    frame = habitus.detector(spec, patient, rows, view)
    chest = thorax.build(patient, frame, skin, gas)
    bone = skeleton.project(patient, frame, bones)
    water = chest.body - chest.fat
    changes = []
    for lung, tree, seed in zip(chest.lungs, trees, found.integers(2**63, size=2), strict=True):
        change = findings.insert(spec, patient, lung, frame, np.random.default_rng(seed))
        water -= _air(spec, patient, lung, change, frame, tree)
        changes.append(change)
    metal = devices.project(spec, patient, frame, things)
    matter = Matter(np.maximum(water - chest.airway, 0), chest.fat, bone, metal)
    masks = _masks(spec, chest, changes)
    deep = chest.body > 0.72 * np.percentile(chest.body[frame.y[:, 0] > 0][::4], 75)
    masks[_DENSE] = deep & ~masks["lungs"]
    return _film(spec, patient.pose.lean, frame, matter, masks, tuple(streams))


_DENSE = "dense"
"""Not a finding: where the reader looks up the exposure that becomes bright."""


def _film(
    spec: RadiographSpec,
    lean: float,
    frame: Frame,
    matter: Matter,
    masks: dict[str, Mask],
    streams: tuple[np.random.Generator, ...],
) -> Radiograph:
    """Expose and develop, with what lies on the detector instead of in the patient."""
    lead, developing, grain = streams
    room = scanner.find(spec, developing)
    technique = scanner.technique(spec, room, developing)
    signal = xray.turned(xray.transmit(matter, frame.spacing, technique), lean)
    place = xray.turning((frame.rows, frame.columns), lean)
    frame = frame.enlarged(xray.enlargement(lean))
    beam, unexposed = scanner.shutters(frame, room, developing)
    inside = beam > 0.5
    masks = {name: mask.ravel()[place] & inside for name, mask in masks.items()}
    dense = masks.pop(_DENSE)
    markers = devices.marker(frame, room, lead)
    if spec.token:
        disc = devices.token(frame, lead)
        markers += disc
        masks["token"] = (disc > 0) & inside
    signal = xray.detect(signal, markers, frame.spacing, technique, grain)
    pixels = xray.develop(signal, frame.spacing, technique, masks["lungs"], dense)
    words = scanner.burnt_in(frame, spec.view, room, developing)
    shown = pixels * beam * (1 - words) + xray.FULL_SCALE * np.maximum(unexposed, words)
    centre = (xray.FULL_SCALE + 1) / 2
    return Radiograph(
        np.minimum(shown, xray.FULL_SCALE).astype(np.uint16),
        (frame.spacing, frame.spacing),
        MappingProxyType(masks),
        (centre, 2 * centre),
    )


def _air(
    spec: RadiographSpec,
    patient: Habitus,
    lung: Lung,
    change: Change,
    frame: Frame,
    rng: np.random.Generator,
) -> Field:
    """mm by which one lung is less than water along each ray, findings included."""
    branches = vessels.tree(patient, lung, frame, rng)
    if change.collapse < 1:
        branches = branches.drawn_to(lung.hilum, change.collapse)
    lobes = solids.of_side(spec, "left" if lung.sign > 0 else "right")
    branches = solids.crowded(branches, lung, lobes)
    branches = branches.scaled(findings.congestion(spec, patient, branches.y))
    blood = branches.project(frame)
    # Where the largest lie on each other they are flattened, not stacked.
    blood = 2.9 * blood / (1 + blood / np.float32(14)) + vessels.hilum(patient, lung, frame, rng)
    if spec.edema > 0.25:
        # Fluid around the vessels hides their edges.
        blood = xray.blur(blood, 0.9 * spec.edema / frame.spacing)
    lumen = vessels.bronchi(branches, rng).project(frame)
    texture = 0.035 * xray.noise(frame, 12, rng) + 0.05 * xray.noise(frame, 3.2, rng)
    texture += 0.03 * xray.noise(frame, 1.8, rng)
    gravity = np.clip(frame.y / patient.lung - 0.5, -0.5, 0.6) * 0.10
    tissue = patient.air * (1 + texture + gravity + 0.5 * (1 - change.collapse))
    tissue = tissue * (1 - change.gas)
    density = tissue + (1 - tissue) * change.filled
    density = density + (1 - density) * change.fluid
    open_lung = np.clip((lung.chord - 18) / 60, 0, 1) * (1 - change.gas) * (1 - change.fluid)
    solid = blood * (1 - density) * open_lung - lumen * density * open_lung * 1.2
    return np.asarray(lung.chord * (1 - density) - solid - change.lines, np.float32)


def _masks(spec: RadiographSpec, chest: Thorax, changes: list[Change]) -> dict[str, Mask]:
    """The findings' masks, both lungs joined, where the body is."""
    masks: dict[str, Mask] = {
        "lungs": (chest.lungs[0].outline + chest.lungs[1].outline) > 0.5,
    }
    for change in changes:
        for name, mask in change.masks.items():
            masks[name] = masks[name] | mask if name in masks else mask
    if spec.cardiothoracic_ratio > ENLARGED:
        masks["cardiomegaly"] = chest.heart > 0.05
    seen = chest.body > 0
    return {name: mask & seen for name, mask in masks.items()}
