"""Bones as hollow swept shapes, sampled and projected to mm of cortical bone along each ray.

Each bone is a shell of cortex around spongy bone of about a quarter of its density. Because the
samples lie in space, the brightening where a rib turns along the ray comes by itself.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from pipelines.simulate import xray
from pipelines.simulate.habitus import Habitus, wall_at
from pipelines.simulate.xray import Field, Frame, Points

SPONGY = 0.18
_DROP = (40, 62, 80, 93, 103, 112, 118, 118, 112, 100, 66, 42)
_REACH = (150, 150, 147, 145, 143, 140, 137, 130, 121, 110, 90, 62)


def vertebra_levels(patient: Habitus) -> Points:
    """y of the 19 discs from the one above C5 down; T1 is number 3 and lies at the apex."""
    thoracic = 18.6 + 0.62 * np.arange(18)
    levels = np.concatenate([[0.0], np.cumsum(thoracic)])
    scale = patient.cage / (levels[15] - levels[3]) * 1.06
    return np.asarray((levels - levels[3]) * scale - 6)


def project(
    patient: Habitus, frame: Frame, rng: np.random.Generator, pose: np.random.Generator
) -> Field:
    """mm of cortical bone along each ray for the whole skeleton.

    `rng` draws what belongs to the patient, `pose` how the shoulders were held on the day.
    """
    bone = _ribs(patient, frame, rng) + _clavicles(patient, frame, pose)
    bone += _scapulae(patient, frame, pose) + _spine(patient, frame, rng)
    density = 1.0 - 0.006 * max(patient.age_years - 50, 0)
    return np.asarray(xray.blur(bone, 0.5) * np.float32(density), np.float32)


def _ribs(patient: Habitus, frame: Frame, rng: np.random.Generator) -> Field:
    levels = vertebra_levels(patient)[3:15]
    scale = patient.half_width / 139
    xs, ys, volumes = [], [], []
    for number in range(12):
        head = levels[number] + 4 * scale
        for sign in (1, -1):
            drop = _DROP[number] * patient.cage / 262 * (1 + 0.03 * rng.standard_normal())
            parts = _rib(patient, frame, number, sign, head + rng.normal(0, 1.0), drop)
            xs.append(parts[0])
            ys.append(parts[1])
            volumes.append(parts[2])
    return xray.splat(frame, np.concatenate(xs), np.concatenate(ys), np.concatenate(volumes))


def _rib(
    patient: Habitus, frame: Frame, number: int, sign: int, head: float, drop: float
) -> tuple[Points, Points, Points]:
    """Samples of one rib, from its neck round to the costal cartilage."""
    scale = patient.half_width / 139
    lateral = float(wall_at(patient, np.array([head + 0.5 * drop]))[0]) + 3.5
    start = np.arcsin(min(20 * scale / lateral, 0.9))
    theta = np.linspace(start, np.deg2rad(_REACH[number]), 64)
    u = (theta - theta[0]) / (theta[-1] - theta[0])
    deep = (patient.half_depth + 3) * min(1.0, 0.55 + 0.12 * number)
    curve = np.stack(
        [
            lateral * np.sin(theta) ** 0.92,
            head + drop * u**1.18 - 7 * scale * np.sin(np.pi * np.minimum(u * 2.2, 1)),
            -deep * np.cos(theta),
        ]
    )
    length = np.concatenate([[0.0], np.cumsum(np.sqrt((np.diff(curve) ** 2).sum(0)))])
    count = max(8, int(length[-1] / (1.1 * frame.spacing)))
    s = (np.arange(count) + 0.5) * length[-1] / count
    curve = np.stack([np.interp(s, length, line) for line in curve])
    along = np.gradient(curve, axis=1)
    along /= np.sqrt((along**2).sum(0))
    out = np.stack([curve[0] / lateral**2, np.zeros(count), curve[2] / deep**2])
    out /= np.sqrt((out**2).sum(0))
    flat = np.cross(along, out, axis=0)
    v = np.linspace(0, 1, count)
    # Thick and narrow at the neck, flat and wide from the angle on, tapering into the cartilage.
    tall = scale * (4.2 + 2.0 * np.minimum(v * 5, 1) ** 0.7) * np.minimum((1 - v) * 12 + 0.55, 1)
    thick = scale * (4.6 - 1.5 * np.minimum(v * 4, 1))
    if number == 0:
        tall, thick = tall * 1.15, thick * 0.8
    cortex = scale * (0.92 - 0.47 * v)
    return _hollow(
        patient, curve, out * thick, flat * tall, cortex, length[-1] / count, sign, frame
    )


def _hollow(
    patient: Habitus,
    curve: Points,
    thick: Points,
    tall: Points,
    cortex: Points,
    step: float,
    sign: int,
    frame: Frame,
    solid: float | Points = 1.0,
) -> tuple[Points, Points, Points]:
    """Sample shell and spongy inside of an elliptic tube about `curve` [3, n]."""
    count = curve.shape[1]
    a, b = np.sqrt((thick**2).sum(0)), np.sqrt((tall**2).sum(0))
    around = max(8, int(2 * np.pi * b.max() / (1.7 * frame.spacing)))
    # Random phases, always the same, so that rings of samples never line up into stripes.
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, count)
    xs, ys, volumes = [], [], []
    for ring, points in ((1.0, around), (0.72, around // 2), (0.32, 3)):
        phi = np.arange(points)[:, None] * 2 * np.pi / points
        # cos and sin of phi + phase; far cheaper than so many calls.
        c = (np.cos(phi) * np.cos(phase) - np.sin(phi) * np.sin(phase)) * ring
        s = (np.sin(phi) * np.cos(phase) + np.cos(phi) * np.sin(phase)) * ring
        x = (curve[0] + thick[0] * c + tall[0] * s) * sign
        y = curve[1] + thick[1] * c + tall[1] * s
        z = curve[2] + thick[2] * c + tall[2] * s
        if ring == 1.0:
            arc = np.sqrt((a * s) ** 2 + (b * c) ** 2) * 2 * np.pi / points
            volume = arc * cortex * step
        else:
            area = np.pi * a * b * (0.75 if ring > 0.5 else 0.25)
            volume = np.broadcast_to(SPONGY * solid * area * step / points, x.shape)
        turned = x * np.cos(patient.turn) + z * np.sin(patient.turn)
        xs.append(turned.ravel())
        ys.append(y.ravel())
        volumes.append(np.asarray(volume).ravel())
    return np.concatenate(xs), np.concatenate(ys), np.concatenate(volumes)


def _bar(
    patient: Habitus,
    frame: Frame,
    nodes: Points,
    tall: Points,
    thick: float,
    cortex: float,
    sign: int,
) -> Field:
    """A long bone through `nodes` [n, 3] with half height `tall` at each node."""
    at = np.linspace(0, 1, len(nodes))
    length = float(np.sqrt((np.diff(nodes, axis=0) ** 2).sum(1)).sum())
    count = max(4, int(length / (0.9 * frame.spacing)))
    s = np.linspace(0, 1, count)
    curve = np.stack([PchipInterpolator(at, nodes[:, k])(s) for k in range(3)])
    half = np.interp(s, at, tall)
    to_end = np.minimum(s, 1 - s) * length
    rounding = np.sqrt(1 - (1 - np.minimum(to_end / np.maximum(half, 1), 1)) ** 2) + 0.02
    # Ends lie inside joints: they fade in, or a cut would show.
    solid = np.clip(to_end / (2.2 * half + 1), 0.03, 1)
    half, front = half * rounding, thick * rounding
    along = np.gradient(curve, axis=1)
    planar = np.maximum(np.hypot(along[0], along[1]), 1e-9)
    across = np.stack([-along[1] / planar, along[0] / planar, np.zeros(count)])
    front = np.stack([np.zeros(count), np.zeros(count), front])
    parts = _hollow(
        patient, curve, front, across * half, cortex * solid, length / count, sign, frame, solid
    )
    return xray.splat(frame, *parts)


def _clavicles(patient: Habitus, frame: Frame, rng: np.random.Generator) -> Field:
    scale = patient.half_width / 139
    raised = -26 if patient.portable else 0
    total = np.zeros((frame.rows, frame.columns), np.float32)
    for sign in (1, -1):
        tilt = rng.normal(0, 4)
        nodes = (
            np.array(
                [
                    [17, 42 + raised * 0.4, 62],
                    [30, 36 + raised * 0.6, 64],
                    [60, 26 + raised, 62],
                    [95, 17 + raised * 1.1 + tilt * 0.5, 45],
                    [125, 9 + raised + tilt, 20],
                    [164, 9 + raised * 0.8 + tilt, 0],
                ]
            )
            * scale
        )
        tall = np.array([9.5, 7.0, 5.4, 5.2, 6.2, 7.4]) * scale
        total += _bar(patient, frame, nodes, tall, 5.0 * scale, 1.15 * scale, sign)
    return total


def _scapulae(patient: Habitus, frame: Frame, rng: np.random.Generator) -> Field:
    """Blade edges, spine and acromion, glenoid, humeral head and shaft."""
    scale = patient.half_width / 139
    inwards = -22 if patient.portable else 4
    raised = -16 if patient.portable else 0
    total = np.zeros((frame.rows, frame.columns), np.float32)
    for sign in (1, -1):
        dx, dy = inwards + rng.normal(0, 5), raised + rng.normal(0, 4)
        bars = (
            ([[118, 34], [112, 70], [116, 112], [131, 152]], [2, 1.8, 2, 3.5], 4.5),
            ([[131, 152], [145, 118], [156, 84], [162, 62]], [3.5, 3.2, 4, 6], 5),
            ([[118, 34], [135, 28], [150, 30], [160, 40]], [2, 1.5, 2, 4], 3),
            ([[116, 62], [136, 46], [158, 24], [184, 8]], [2.5, 4, 5, 7.5], 4),
            ([[158, 46], [150, 36], [140, 34], [134, 40]], [6, 5, 4, 3.5], 5),
            ([[164, 36], [162, 50], [166, 66]], [4, 5, 4], 9),
        )
        for nodes, tall, thick in bars:
            place = np.array([[x + dx, y + dy, -60] for x, y in nodes], np.float64) * scale
            total += 0.75 * _bar(
                patient, frame, place, np.array(tall) * scale, thick * scale, 0.8 * scale, sign
            )
        total += _humerus(patient, frame, sign, scale, dy)
    return total


def _humerus(patient: Habitus, frame: Frame, sign: int, scale: float, dy: float) -> Field:
    head = (sign * 174 * scale, (40 + dy) * scale)
    radius = 23 * scale
    ball = xray.ellipsoid(frame, head, (radius, radius, radius))
    inner = xray.ellipsoid(frame, head, (radius - 1, radius - 1, radius - 1))
    end = [240, 320] if patient.portable else [272, 225]
    nodes = (
        np.array([[172, 36 + dy, 0], [186, 72 + dy, 0], [206, 130, 0], [*end, 0]], np.float64)
        * scale
    )
    shaft = _bar(
        patient, frame, nodes, np.array([17, 13, 11, 11]) * scale, 11 * scale, 2.0 * scale, sign
    )
    return np.asarray(ball - inner * (1 - SPONGY * 0.6) + shaft, np.float32)


def _spine(patient: Habitus, frame: Frame, rng: np.random.Generator) -> Field:
    """Bodies between discs, pedicles, spinous and transverse processes."""
    levels = vertebra_levels(patient)
    scale = patient.half_width / 139
    centre = patient.moved(-48) + 2.5 * patient.wobble[10] * np.sin(frame.y / 75)
    column = np.zeros((frame.rows, frame.columns), np.float32)
    x = frame.x - centre
    near = slice(*np.searchsorted(frame.x[0] - patient.moved(-48), [-62 * scale, 62 * scale]))
    for k in range(18):
        top, bottom = levels[k] + 2.2, levels[k + 1] - 2.2
        if bottom < frame.top or top > frame.top + frame.rows * frame.spacing:
            continue
        half = scale * (12.5 + 0.62 * k)
        middle = (top + bottom) / 2
        rows = slice(*np.searchsorted(frame.y[:, 0], [top - 14, bottom + 14]))
        y, xr = frame.y[rows], x[rows, near]
        waist = half * (0.92 + 0.08 * ((y - middle) / (bottom - top) * 2) ** 2)
        body = np.sqrt(np.maximum(1 - (xr / waist) ** 2, 0)) * _soft_box(y, top, bottom, 1.0)
        plates = np.exp(-(((y - top) / 0.9) ** 2)) + np.exp(-(((y - bottom) / 0.9) ** 2))
        side = np.exp(-(((np.abs(xr) - waist + 0.8) / 0.9) ** 2)) * _soft_box(y, top, bottom, 1)
        piece = 3.6 * body + 2.2 * plates * (np.abs(xr) < waist) + 2.4 * side
        for sign in (1, -1):
            piece += _ring(xr - sign * 0.62 * half, y - middle + 3, 3.4 * scale, 5.4 * scale)
            wing = np.abs(y - middle + 3 + 0.25 * (np.abs(xr) - half)) / 4.2
            reach = (xr * sign > 0.5 * half) * np.clip((half + 13 * scale - xr * sign) / 5, 0, 1)
            piece += 1.3 * np.maximum(1 - wing**2, 0) * reach
        tip = bottom - 1 + rng.normal(0, 1.2)
        piece += _ring(xr - rng.normal(0, 0.8), y - tip, 2.6 * scale, 6.5 * scale)
        column[rows, near] += piece.astype(np.float32)
    return column


def _soft_box(y: Field, top: float, bottom: float, edge: float) -> Field:
    return np.asarray(
        np.clip((y - top) / edge + 0.5, 0, 1) * np.clip((bottom - y) / edge + 0.5, 0, 1), np.float32
    )


def _ring(x: Points | Field, y: Points | Field, a: float, b: float) -> Field:
    """A pedicle seen end-on: dense rim, less dense middle."""
    r = np.sqrt((x / a) ** 2 + (y / b) ** 2)
    return np.asarray(3.2 * np.exp(-(((r - 0.85) / 0.25) ** 2)) + 1.0 * (r < 0.85), np.float32)
