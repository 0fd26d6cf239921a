"""One beat of a simulated heart: a vector that turns, and what findings do to it.

The vector has the body's axes (X to the left, Y to the feet, Z to the back, as Frank 1956
Circulation 13:737) and is a sum of bell curves, one or more for each wave, in the manner of
McSharry 2003 IEEE Trans Biomed Eng 50:289. The inverse matrix of Dower 1980 J Electrocardiol 13:109
makes I, II and V1 to V6 of it; the other limb leads follow from I and II, so all leads agree.
Findings change the vector, never a lead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipelines.laboratory.simulate.ecg.heart import FIBRILLATION, EcgSpec, Territory

Floats = NDArray[np.float64]
Vector = tuple[float, float, float]

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

# mV in I, II and V1 to V6 of one unit of X, Y and Z.
DOWER = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)
_LIMB = np.array([[1, 0], [0, 1], [-1, 1], [-0.5, -0.5], [1, -0.5], [-0.5, 1]])
_FACING = [place for place, lead in enumerate(LEADS) if lead != "aVR"]
_SEEN = 0.03
_STRAIN_FROM = 0.5


@dataclass(frozen=True)
class Wave:
    """A bell curve: centre and widths on both sides in ms, and how far it moves the vector."""

    centre: float
    rise: float
    fall: float
    vector: Vector


@dataclass(frozen=True)
class Beat:
    """One beat of this heart: waves in ms from the R peak, and where they begin and end.

    Attributes:
        atrial: waves of P, in ms from the beginning of P.
        ventricular: waves of QRS, in ms from its R peak.
        recovery: vector of T.
        injury: vector of the ST segment.
        qrs: beginning and end of QRS, ms from the R peak.
    """

    atrial: tuple[Wave, ...]
    ventricular: tuple[Wave, ...]
    recovery: Vector
    injury: Vector
    qrs: tuple[float, float]


# Septum, apex, free wall, base: beginning at the front and right, ending at the back and above.
_QRS = (
    Wave(-21, 6.5, 6.5, (-0.10, -0.04, -0.22)),
    Wave(-9, 7.5, 7.5, (0.34, 0.26, -0.16)),
    Wave(0, 9.0, 9.0, (0.92, 0.74, 0.42)),
    Wave(17, 8.0, 9.5, (-0.06, -0.10, 0.42)),
)
# Right atrium, left atrium.
_P = (Wave(34, 16, 16, (0.030, 0.080, -0.040)), Wave(62, 18, 18, (0.062, 0.050, 0.052)))
_T: Vector = (0.26, 0.20, -0.14)
_T_RISE, T_FALL = 58.0, 36.0
FIRST_P = _P[0].centre - 2 * _P[0].rise
"""Milliseconds after the begin of the first wave of P at which it is seen to begin."""

_TOWARDS: dict[Territory, Vector] = {
    "inferior": (-0.25, 1.0, 0.15),
    "anterior": (0.35, -0.10, -0.75),
    "lateral": (1.0, -0.45, 0.20),
}


def beat_of(spec: EcgSpec) -> Beat:
    """The waves of this heart with these findings."""
    found, heart = spec.findings, spec.heart
    strain = found.get("right_strain", 0.0)
    axis = heart.axis_deg + 32 * strain
    waves = _hypertrophied(_turned(_QRS, axis), found.get("left_hypertrophy", 0.0))
    recovery = np.array(_turned((Wave(0, 1, 1, _T),), 0.5 * (heart.axis_deg + 45))[0].vector)
    recovery = recovery * heart.t_wave
    injury = np.zeros(3)
    if strain:
        # S in I; Q and inverted T in III; inverted T in V1 to V4.
        waves += (Wave(23, 9, 11, (-0.42 * strain, 0.10 * strain, -0.04)),)
        waves += (Wave(-20, 7, 7, (0.17 * strain, -0.24 * strain, 0.0)),)
        recovery = 0.75 * recovery + strain * np.array([0.10, -0.30, 0.40])
    if "left_hypertrophy" in found:
        excess = max(0.0, found["left_hypertrophy"] - _STRAIN_FROM) / (1 - _STRAIN_FROM)
        recovery = recovery + excess * np.array([-0.85, -0.36, 0.05])
        injury += 0.14 * excess * _reaching(np.array([-1.0, -0.4, 0.3]), -1)
    towards = np.array(_TOWARDS[spec.territory])
    if "st_elevation" in found:
        injury += found["st_elevation"] * _reaching(towards, 1)
        recovery = recovery + 0.5 * found["st_elevation"] * _reaching(towards, 1)
    if "st_depression" in found:
        injury += found["st_depression"] * _reaching(-towards, -1)
    if "t_inversion" in found:
        turn = _reaching(-towards, -1)
        recovery = recovery + _until(recovery, turn, found["t_inversion"]) * turn
    waves = _stretched(waves, heart.qrs_ms)
    if "incomplete_right_bundle_block" in found:
        late = found["incomplete_right_bundle_block"]
        end = _limits(waves)[1]
        waves += (Wave(end + 1, 8, 9, (-0.26 * late, -0.06 * late, -0.34 * late)),)
    atrial = () if FIBRILLATION in found else _atrial(found.get("p_pulmonale", 0.0))
    return Beat(atrial, waves, _vector(recovery), _vector(injury), _limits(waves))


def _vector(values: Floats) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])


def _reaching(direction: Floats, sign: int) -> Floats:
    """The vector along `direction` that reaches 1 (or -1) mV in the lead that has most of it."""
    seen = twelve(DOWER @ direction)[_FACING]
    return direction / float((sign * seen).max())


def _until(recovery: Floats, turn: Floats, depth: float) -> float:
    """How much of `turn` it takes until T is `depth` mV deep in the first lead."""
    upright, falling = (twelve(DOWER @ vector)[_FACING] for vector in (recovery, turn))
    turned = falling < -0.05
    return float(((upright[turned] + depth) / -falling[turned]).min())


def _atrial(pulmonale: float) -> tuple[Wave, ...]:
    right, left = _P
    x, y, z = right.vector
    tall = (x * (1 - pulmonale), y * (1 + 1.7 * pulmonale), z * (1 + 0.8 * pulmonale))
    return replace(right, vector=tall), left


def _hypertrophied(waves: tuple[Wave, ...], amount: float) -> tuple[Wave, ...]:
    """More voltage to the left and back."""
    if not amount:
        return waves
    first, *others = waves
    scaled = []
    for wave in others:
        x, y, z = wave.vector
        x, z = x * (1.45 + 0.75 * amount), z * (1.45 + 0.85 * amount)
        scaled.append(replace(wave, vector=(x, y * (1 + 0.2 * amount), z)))
    return first, *scaled


def _turned(waves: tuple[Wave, ...], axis_deg: float) -> tuple[Wave, ...]:
    """The waves turned in the frontal plane until their axis is `axis_deg`."""
    total = np.sum([_area(wave) * np.array(wave.vector) for wave in waves], axis=0)
    # One degree of the vector is not one of the axis, as leads I and aVF are not at right angles.
    angles = np.radians(np.arange(-180.0, 180.0, 0.25))
    x = total[0] * np.cos(angles) - total[1] * np.sin(angles)
    y = total[0] * np.sin(angles) + total[1] * np.cos(angles)
    seen = axis_of(DOWER[:2] @ np.array([x, y, np.full_like(x, total[2])]))
    off = np.abs((seen - axis_deg + 180) % 360 - 180)
    angle = angles[int(np.argmin(off))]
    turned = []
    for wave in waves:
        one, two, three = wave.vector
        left = one * np.cos(angle) - two * np.sin(angle)
        down = one * np.sin(angle) + two * np.cos(angle)
        turned.append(replace(wave, vector=(float(left), float(down), three)))
    return tuple(turned)


def _area(wave: Wave) -> float:
    return wave.rise + wave.fall


def axis_of(limb: Floats) -> Floats:
    """Axis in degrees of the areas (or amplitudes) in I and II, [2, ...]."""
    one, foot = limb[0], limb[1] - limb[0] / 2
    return np.asarray(np.degrees(np.arctan2(2 * foot / np.sqrt(3), one)))


def _curve(wave: Wave, time: Floats) -> Floats:
    """0 to 1 at `time` in ms."""
    away = time - wave.centre
    width = np.where(away < 0, wave.rise, wave.fall)
    return np.asarray(np.exp(-0.5 * (away / width) ** 2))


def moved(waves: tuple[Wave, ...], time: Floats) -> Floats:
    """[3, time]."""
    total = np.zeros((3, len(time)))
    for wave in waves:
        total += np.array(wave.vector)[:, None] * _curve(wave, time)
    return total


def _limits(waves: tuple[Wave, ...]) -> tuple[float, float]:
    """Where the waves can first and last be seen, ms: above `_SEEN` mV in some lead."""
    time = np.arange(-140.0, 180.0, 0.5)
    seen = np.flatnonzero(np.abs(twelve(DOWER @ moved(waves, time))).max(axis=0) > _SEEN)
    return float(time[seen[0]]), float(time[seen[-1]])


def _stretched(waves: tuple[Wave, ...], duration: float) -> tuple[Wave, ...]:
    """The waves slower or faster, so that they last `duration` ms."""
    first, last = _limits(waves)
    factor = duration / (last - first)
    return tuple(
        replace(w, centre=w.centre * factor, rise=w.rise * factor, fall=w.fall * factor)
        for w in waves
    )


def twelve(eight: Floats) -> Floats:
    """All leads [12, ...] from I, II and V1 to V6 [8, ...]."""
    return np.concatenate([np.tensordot(_LIMB, eight[:2], axes=1), eight[2:]])


def t_wave(beat: Beat, centre: float) -> Wave:
    """T of a beat, its peak at `centre` ms; it falls faster than it rises."""
    return Wave(centre, _T_RISE, T_FALL, beat.recovery)


def segment(beat: Beat, t_peak: float, at: Floats) -> Floats:
    """The ST segment: from the end of QRS, fading into T."""
    rise = 1 / (1 + np.exp(-np.clip((at - beat.qrs[1] + 6) / 7, -50, 50)))
    fall = 1 / (1 + np.exp(np.clip((at - t_peak + 8) / 22, -50, 50)))
    return np.asarray(np.array(beat.injury)[:, None] * rise * fall)
