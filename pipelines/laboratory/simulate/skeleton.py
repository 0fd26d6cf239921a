"""Bones as hollow swept shapes, sampled and projected to mm of cortical bone along each ray.

Each bone is a shell of cortex around spongy bone of about a quarter of its density. Because the
samples lie in space, the brightening where a rib turns along the ray comes by itself.
"""

from __future__ import annotations

import numpy as np

from pipelines.laboratory.simulate import xray
from pipelines.laboratory.simulate.habitus import Habitus, wall_at
from pipelines.laboratory.simulate.xray import Field, Frame, Points

SPONGY = 0.24
_DROP = (40, 62, 80, 93, 103, 112, 118, 118, 112, 100, 66, 42)
_REACH = (150, 150, 147, 145, 143, 140, 137, 130, 121, 110, 90, 62)


def vertebra_levels(patient: Habitus) -> Points:
    """y of the 19 discs from the one above C5 down; T1 is number 3 and lies at the apex."""
    thoracic = 18.6 + 0.62 * np.arange(18)
    levels = np.concatenate([[0.0], np.cumsum(thoracic)])
    scale = patient.cage / (levels[15] - levels[3]) * 1.06
    return np.asarray((levels - levels[3]) * scale - 6)


Samples = tuple[Points, Points, Points]
"""x, y and volume of samples of bone."""


def project(patient: Habitus, frame: Frame, rng: np.random.Generator) -> Field:
    """mm of cortical bone along each ray for the whole skeleton."""
    parts = [*_ribs(patient, frame, rng), *_clavicles(patient, frame, rng)]
    parts += _scapulae(patient, frame, rng)
    parts += [_shaft(patient, frame, sign) for sign in (1, -1)]
    x, y, volume = (np.concatenate(column) for column in zip(*parts, strict=True))
    bone = xray.splat(frame, x, y, volume)
    for sign in (1, -1):
        _add_ball(bone, patient, frame, sign)
    bone += _spine(patient, frame, rng)
    density = 1.0 - 0.006 * max(patient.age_years - 50, 0)
    return np.asarray(xray.blur(bone, 0.6) * np.float32(density), np.float32)


def _ribs(patient: Habitus, frame: Frame, rng: np.random.Generator) -> list[Samples]:
    levels = vertebra_levels(patient)[3:15]
    scale = patient.half_width / 139
    samples = []
    for number in range(12):
        head = levels[number] + 4 * scale
        for sign in (1, -1):
            drop = _DROP[number] * patient.cage / 262 * (1 + 0.03 * rng.standard_normal())
            samples.append(_rib(patient, frame, number, sign, head + rng.normal(0, 1.0), drop))
    return samples


def _rib(
    patient: Habitus, frame: Frame, number: int, sign: int, head: float, drop: float
) -> tuple[Points, Points, Points]:
    """Samples of one rib, from its neck round to the costal cartilage."""
    scale = patient.half_width / 139
    lateral = float(wall_at(patient, np.array([head + 0.5 * drop]))[0]) + 3.5
    start = np.arcsin(min(14 * scale / lateral, 0.9))
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
    count = max(8, int(length[-1] / (1.2 * frame.spacing)))
    s = (np.arange(count) + 0.5) * length[-1] / count
    curve = np.stack([np.interp(s, length, line) for line in curve])
    along = np.gradient(curve, axis=1)
    along /= np.sqrt((along**2).sum(0))
    out = np.stack([curve[0] / lateral**2, np.zeros(count), curve[2] / deep**2])
    out /= np.sqrt((out**2).sum(0))
    flat = np.cross(along, out, axis=0)
    v = np.linspace(0, 1, count)
    # Thick and narrow at the neck, flat and wide from the angle on, tapering into the cartilage.
    tall = scale * (4.6 + 2.9 * np.minimum(v * 5, 1) ** 0.7) * np.minimum((1 - v) * 12 + 0.55, 1)
    thick = scale * (4.6 - 1.5 * np.minimum(v * 4, 1))
    if number == 0:
        tall, thick = tall * 1.15, thick * 0.8
    # Densest behind; where the ribs turn at the side they already overlap themselves.
    rich = np.interp(v, [0.0, 0.05, 0.22, 0.4, 0.6, 1.0], [0.6, 1.4, 1.4, 0.65, 0.7, 0.5])
    if number == 0:
        rich = 0.6 * rich
    if number > 8:
        rich = 0.75 * rich
    cortex = scale * (0.74 - 0.22 * v) * rich
    step = length[-1] / count
    return _hollow(patient, curve, out * thick, flat * tall, cortex, step, sign, frame, 1.5 * rich)


def _hollow(
    patient: Habitus,
    curve: Points,
    thick: Points,
    tall: Points,
    cortex: Points,
    step: float | Points,
    sign: int,
    frame: Frame,
    solid: float | Points = 1.0,
) -> tuple[Points, Points, Points]:
    """Sample shell and spongy inside of an elliptic tube about `curve` [3, n]."""
    count = curve.shape[1]
    a, b = np.sqrt((thick**2).sum(0)), np.sqrt((tall**2).sum(0))
    around = max(9, int(2 * np.pi * b.max() / (2.3 * frame.spacing)))
    # The shell is a ring in every section, the inside a sunflower of points; both are turned by the
    # golden ratio from section to section, so that samples neither line up nor clump. The jitter,
    # always the same, keeps them from weaving a pattern.
    jitter = np.random.default_rng(0).uniform(0, 0.35, count)
    golden = (np.arange(count) * 0.6180339887 + jitter) % 1
    many = around // 2 + 6
    rings = (
        (np.ones((around, 1)), np.arange(around)[:, None] * (2 * np.pi / around)),
        (
            np.sqrt((np.arange(many)[:, None] + 0.5) / many) * 0.97,
            np.arange(many)[:, None] * 2.39996323,
        ),
    )
    xs, ys, volumes = [], [], []
    for ring, phi in rings:
        points, phase = len(ring), golden * 2 * np.pi
        # cos and sin of phi + phase; far cheaper than so many calls.
        c = ring * (np.cos(phi) * np.cos(phase) - np.sin(phi) * np.sin(phase))
        s = ring * (np.sin(phi) * np.cos(phase) + np.cos(phi) * np.sin(phase))
        x = (curve[0] + thick[0] * c + tall[0] * s) * sign
        y = curve[1] + thick[1] * c + tall[1] * s
        z = curve[2] + thick[2] * c + tall[2] * s
        if ring is rings[0][0]:
            arc = np.sqrt((a * s) ** 2 + (b * c) ** 2) * 2 * np.pi / points
            volume = arc * cortex * step
        else:
            inside = SPONGY * solid * np.pi * a * b * step / points
            volume = np.broadcast_to(inside, x.shape)
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
    spongy: float = 1.9,
) -> Samples:
    """A long bone through `nodes` [n, 3] with half height `tall` at each node."""
    at = np.concatenate([[0.0], np.cumsum(np.sqrt((np.diff(nodes, axis=0) ** 2).sum(1)))])
    length = float(at[-1])
    at /= length
    count = max(4, int(length / (0.9 * frame.spacing)))
    s = np.linspace(0, 1, count)
    curve = xray.through(nodes, np.interp(s, at, np.linspace(0, 1, len(nodes)))).T
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
    return _hollow(
        patient,
        curve,
        front,
        across * half,
        cortex * solid,
        np.sqrt((along**2).sum(0)),
        sign,
        frame,
        spongy * solid,
    )


def _clavicles(patient: Habitus, frame: Frame, rng: np.random.Generator) -> list[Samples]:
    scale = patient.half_width / 139
    bars = []
    for k, sign in enumerate((1, -1)):
        raised, bow = patient.pose.raised[k], rng.normal(0, 2.5)
        nodes = (
            np.array(
                [
                    [17, 60 - raised * 0.45, 62],
                    [30, 54 - raised * 0.6, 64],
                    [60, 43 - raised * 0.85 + bow, 62],
                    [95, 31 - raised - 0.5 * bow, 45],
                    [125, 22 - raised, 20],
                    [164, 20 - raised, 0],
                ]
            )
            * scale
        )
        tall = np.array([9.5, 7.4, 6.2, 5.8, 6.8, 7.8]) * scale
        bars.append(_bar(patient, frame, nodes, tall, 5.4 * scale, 1.25 * scale, sign))
    return bars


_BLADE = (
    ([[118, 34], [112, 70], [116, 112], [131, 152]], [2, 1.8, 2, 3.5], 4.5),
    ([[131, 152], [145, 118], [156, 84], [162, 62]], [3.5, 3.2, 4, 6], 5),
    ([[118, 34], [135, 28], [150, 30], [160, 40]], [2, 1.5, 2, 4], 3),
    ([[116, 62], [136, 46], [158, 24], [184, 8]], [2.5, 4, 5, 7.5], 4),
    ([[158, 46], [150, 36], [140, 34], [134, 40]], [6, 5, 4, 3.5], 5),
    ([[164, 36], [162, 50], [166, 66]], [4, 5, 4], 9),
)
"""Medial edge, lateral edge, upper edge, spine with acromion, coracoid, glenoid."""


def _scapulae(patient: Habitus, frame: Frame, rng: np.random.Generator) -> list[Samples]:
    """Edges of the blade, turned about the joint by what the arm pulls."""
    scale = patient.half_width / 139
    bars = []
    for k, sign in enumerate((1, -1)):
        turn = np.deg2rad(0.35 * (patient.pose.arms[k] - 25) + rng.normal(0, 3))
        cos, sin = float(np.cos(turn)), float(np.sin(turn))
        dx, dy = patient.pose.spread[k], 6 - patient.pose.raised[k]
        for nodes, tall, thick in _BLADE:
            x, y = np.array(nodes, np.float64).T - np.array([[160.0], [45.0]])
            place = np.stack(
                [160 + cos * x + sin * y + dx, 45 - sin * x + cos * y + dy, np.full(x.size, -60)], 1
            )
            heights = np.array(tall) * scale
            part = _bar(patient, frame, place * scale, heights, thick * scale, 0.65 * scale, sign)
            bars.append((part[0], part[1], 0.75 * part[2]))
    return bars


def joint(patient: Habitus, sign: int) -> tuple[float, float]:
    """x, y of the middle of one humeral head."""
    k = 0 if sign > 0 else 1
    scale = patient.half_width / 139
    x, y = 174 + 0.7 * patient.pose.spread[k], 46 - patient.pose.raised[k]
    return sign * x * scale, y * scale


def _add_ball(bone: Field, patient: Habitus, frame: Frame, sign: int) -> None:
    """The humeral head, in place; costs little where it is off the film."""
    radius = 23 * patient.half_width / 139
    x, y = joint(patient, sign)
    columns = slice(*np.searchsorted(frame.x[0], [x - radius, x + radius]))
    rows = slice(*np.searchsorted(frame.y[:, 0], [y - radius, y + radius]))
    rest = ((frame.x[:, columns] - x) ** 2 + (frame.y[rows] - y) ** 2) / radius**2
    outer = np.sqrt(np.maximum(1 - rest, 0))
    inner = np.sqrt(np.maximum(0.955 - rest, 0))
    bone[rows, columns] += 2 * radius * (outer - inner * (1 - 0.8 * SPONGY))


def _shaft(patient: Habitus, frame: Frame, sign: int) -> Samples:
    scale = patient.half_width / 139
    x, y = joint(patient, 1 if sign > 0 else -1)
    along = np.deg2rad(patient.pose.arms[0 if sign > 0 else 1])
    reach = np.array([0.0, 40.0, 130.0, 380.0]) * scale
    nodes = np.stack(
        [abs(x) + reach * np.sin(along), y + reach * np.cos(along), np.zeros(4)], axis=1
    )
    tall = np.array([17, 13, 11, 11]) * scale
    return _bar(patient, frame, nodes, tall, 11 * scale, 1.7 * scale, sign, 0.7)


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
        # The spine turns away from the rays and back, so no two bodies show alike.
        clear = float(np.clip(0.55 + 0.25 * rng.standard_normal(), 0.1, 1.1))
        piece = 4.2 * body + clear * (2.0 * plates * (np.abs(xr) < waist) + 2.4 * side)
        for sign in (1, -1):
            pedicle = _ring(xr - sign * 0.62 * half, y - middle + 3, 3.4 * scale, 5.4 * scale)
            piece += clear * pedicle
            wing = np.abs(y - middle + 3 + 0.25 * (np.abs(xr) - half)) / 4.2
            reach = (xr * sign > 0.5 * half) * np.clip((half + 13 * scale - xr * sign) / 5, 0, 1)
            piece += 1.3 * np.maximum(1 - wing**2, 0) * reach
        tip = bottom - 1 + rng.normal(0, 1.2)
        process = _ring(xr - rng.normal(0, 1.2), y - tip, 2.6 * scale, 6.5 * scale)
        piece += clear * process
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
