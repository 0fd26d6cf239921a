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

from pipelines.simulate import devices, findings, habitus, skeleton, solids, thorax, vessels, xray
from pipelines.simulate.change import Change, Mask
from pipelines.simulate.examination import Consolidation, LinearAtelectasis, RadiographSpec
from pipelines.simulate.habitus import Habitus
from pipelines.simulate.thorax import Lung, Thorax
from pipelines.simulate.xray import Field, Frame, Matter, Technique

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
    seeds = [int(seed) for seed in rng.integers(2**63, size=8)]
    view, gas, pose, found, things, developing, grain = (
        np.random.default_rng(seed) for seed in seeds[1:]
    )
    own = (np.random.default_rng(seeds[0]) if body is None else body).integers(2**63, size=5)
    build, skin, bones, *trees = (np.random.default_rng(seed) for seed in own)
    patient = habitus.draw(spec, build)
    frame = habitus.detector(spec, patient, rows, view)
    chest = thorax.build(patient, frame, skin, gas)
    bone = skeleton.project(patient, frame, bones, pose)
    water = chest.body - chest.fat
    changes = []
    for lung, tree, seed in zip(chest.lungs, trees, found.integers(2**63, size=2), strict=True):
        change = findings.insert(spec, patient, lung, frame, np.random.default_rng(seed))
        water -= _air(spec, patient, lung, change, frame, tree)
        changes.append(change)
    water = np.maximum(water - chest.airway, 0)
    metal, disc = devices.project(spec, patient, frame, things)
    technique = _technique(spec, developing)
    signal = xray.expose(Matter(water, chest.fat, bone, metal), frame.spacing, technique, grain)
    beam = _collimator(frame, developing)
    inside = beam > 0.5
    masks = _masks(spec, chest, changes, inside)
    if spec.token:
        masks["token"] = disc & inside
    trunk = (np.abs(frame.x) < 0.7 * patient.half_width) & (frame.y > 0)
    dense = inside & trunk & ~masks["lungs"]
    pixels = xray.develop(signal, frame.spacing, technique, masks["lungs"] & inside, dense)
    pixels = (pixels * beam).astype(np.uint16)
    centre = (xray.FULL_SCALE + 1) / 2
    spacing = (frame.spacing, frame.spacing)
    return Radiograph(pixels, spacing, MappingProxyType(masks), (centre, 2 * centre))


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
    blood = 1.7 * branches.project(frame) + vessels.hilum(patient, lung, frame, rng)
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
    solid = blood * (1 - density) * open_lung - lumen * density * open_lung * 0.8
    return np.asarray(lung.chord * (1 - density) - solid - change.lines, np.float32)


def _technique(spec: RadiographSpec, rng: np.random.Generator) -> Technique:
    portable = spec.view == "AP"
    heavy = max(spec.bmi - 25, 0)
    return Technique(
        kvp=spec.kvp,
        scatter=(0.24 if portable else 0.10) * (1 + 0.02 * heavy),
        quanta=(40000 if portable else 60000)
        * float(np.exp(0.25 * rng.standard_normal() + 0.03 * heavy)),
        detail=float(rng.uniform(1.3, 1.9)),
        latitude=float(rng.uniform(0.72, 0.95)),
        dark=float(rng.uniform(0.27, 0.43)),
        bright=float(rng.uniform(0.80, 0.88)),
    )


def _collimator(frame: Frame, rng: np.random.Generator) -> Field:
    """1 where the beam is open, 0 under the blades, which readers show black."""
    covered = np.zeros((frame.rows, frame.columns), np.float32)
    for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1)):
        if rng.random() > 0.22:
            continue
        width = rng.uniform(0.01, 0.05) * frame.rows * frame.spacing
        lean = rng.normal(0, 0.008)
        line = frame.y - float(frame.y.mean()) if axis == 0 else frame.x - float(frame.x.mean())
        other = frame.x if axis == 0 else frame.y
        depth = sign * line + lean * other - (frame.rows * frame.spacing / 2 - width)
        covered = np.maximum(covered, np.clip(depth / 1.5 + 0.5, 0, 1))
    return np.asarray(1 - covered, np.float32)


def _masks(
    spec: RadiographSpec, chest: Thorax, changes: list[Change], inside: Mask
) -> dict[str, Mask]:
    """The findings' masks, both lungs joined, where the beam and the body are."""
    masks: dict[str, Mask] = {
        "lungs": (chest.lungs[0].outline + chest.lungs[1].outline) > 0.5,
    }
    for change in changes:
        for name, mask in change.masks.items():
            masks[name] = masks[name] | mask if name in masks else mask
    if spec.cardiothoracic_ratio > ENLARGED:
        masks["cardiomegaly"] = chest.heart > 0.05
    seen = inside & (chest.body > 0)
    return {name: mask & seen for name, mask in masks.items()}
