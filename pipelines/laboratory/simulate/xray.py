"""From matter to grey values: ray integrals, exposure and the processing of a digital detector.

Length is in mm throughout. Rays are parallel to z; magnification is applied to the objects. The
attenuation coefficients are those of NIST XCOM near the effective energy of a chest exposure, and
the processing is the log, latitude reduction and detail enhancement that computed radiography
systems apply (Vuylsteke and Schoeters 1994, MUSICA).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float32]
"""[rows, columns], often mm of some material along each ray."""

Points = NDArray[np.float64]

FULL_SCALE = 4095


@dataclass(frozen=True, eq=False)
class Frame:
    """The detector: which point of the patient each pixel sees.

    Attributes:
        rows, columns: size in pixels.
        spacing: mm per pixel.
        x: [1, columns] mm, positive to the patient's left, which is the right of the image.
        y: [rows, 1] mm, positive downwards, 0 at the apex of the lungs.
    """

    rows: int
    columns: int
    spacing: float
    x: Field
    y: Field

    @property
    def left(self) -> float:
        """The x of the left edge of the first column."""
        return float(self.x[0, 0]) - self.spacing / 2

    @property
    def top(self) -> float:
        """The y of the upper edge of the first row."""
        return float(self.y[0, 0]) - self.spacing / 2

    def enlarged(self, factor: float) -> Frame:
        """The same pixels on a field `factor` times smaller about the same middle."""
        centre = (float(self.x.mean()), float(self.y.mean()))
        return frame(self.rows, self.columns, self.spacing / factor, centre)


def frame(rows: int, columns: int, spacing: float, centre: tuple[float, float]) -> Frame:
    """A detector of `rows` x `columns` pixels around `centre` (x, y)."""
    x = (np.arange(columns) + 0.5 - columns / 2) * spacing + centre[0]
    y = (np.arange(rows) + 0.5 - rows / 2) * spacing + centre[1]
    return Frame(
        rows, columns, spacing, x.astype(np.float32)[None, :], y.astype(np.float32)[:, None]
    )


def splat(detector: Frame, x: Points, y: Points, volume: Points) -> Field:
    """Project samples of matter, each of `volume` mm3 at (x, y), to mm along each ray."""
    column = ((x.ravel() - detector.left) / detector.spacing - 0.5).astype(np.float32)
    row = ((y.ravel() - detector.top) / detector.spacing - 0.5).astype(np.float32)
    weight = volume.ravel().astype(np.float32)
    inside = (column > 0) & (column < detector.columns - 1)
    inside &= (row > 0) & (row < detector.rows - 1)
    if not inside.all():
        column, row, weight = column[inside], row[inside], weight[inside]
    column0, row0 = column.astype(np.int32), row.astype(np.int32)
    right, down = column - column0.astype(np.float32), row - row0.astype(np.float32)
    image = np.zeros((detector.rows, detector.columns), np.float32)
    if weight.size == 0:
        return image
    first, last = int(row0.min()), int(row0.max()) + 2
    corner = (row0 - first) * detector.columns + column0
    size = (last - first) * detector.columns
    lower = weight * down
    upper = weight - lower
    band = np.bincount(corner, upper - upper * right, size)
    band += np.bincount(corner + 1, upper * right, size)
    band += np.bincount(corner + detector.columns, lower - lower * right, size)
    band += np.bincount(corner + detector.columns + 1, lower * right, size)
    image[first:last] = band.reshape(last - first, detector.columns) / detector.spacing**2
    return image


def tube(detector: Frame, x: Points, y: Points, radius: Points) -> Field:
    """Chord through a solid tube along the polyline (x, y) of the given radius at each vertex."""
    step = np.hypot(np.diff(x), np.diff(y))
    count = max(2, int(step.sum() / (0.6 * detector.spacing)))
    along = np.concatenate([[0.0], np.cumsum(step)])
    s = (np.arange(count) + 0.5) * along[-1] / count
    px, py, pr = (np.interp(s, along, line) for line in (x, y, radius))
    dx, dy = np.gradient(px), np.gradient(py)
    norm = np.maximum(np.hypot(dx, dy), 1e-9)
    return swept(detector, px, py, -dy / norm, dx / norm, pr, along[-1] / count)


def swept(
    detector: Frame,
    x: Points,
    y: Points,
    across_x: Points,
    across_y: Points,
    radius: Points,
    step: float | Points,
) -> Field:
    """Chord through discs of `radius` at (x, y), each standing for `step` mm of a tube.

    `across` is the unit vector perpendicular to the tube in the plane of the image.
    """
    if x.size == 0:
        return np.zeros((detector.rows, detector.columns), np.float32)
    total = np.zeros((detector.rows, detector.columns), np.float32)
    step = np.broadcast_to(np.asarray(step, np.float64), x.shape)
    # Thick and thin tubes apart, so that each takes only as many samples as its width asks for.
    samples = np.maximum(1, np.ceil(2 * radius / (0.85 * detector.spacing))).astype(np.int64)
    for count in np.unique(2 ** np.ceil(np.log2(samples)).astype(np.int64)):
        these = (samples <= count) & (samples > count // 2)
        u = (np.arange(count) + 0.5) / count * 2 - 1
        # The mean of sqrt(1 - u2) over the samples is not exactly pi/4 for few of them.
        chord = np.sqrt(1 - u**2)
        chord *= np.pi / 4 / chord.mean()
        r = radius[these][:, None]
        volume = 2 * r * chord * (2 * r / count) * step[these][:, None]
        total += splat(
            detector,
            x[these][:, None] + across_x[these][:, None] * r * u,
            y[these][:, None] + across_y[these][:, None] * r * u,
            volume,
        )
    return total


def ellipsoid(
    detector: Frame, centre: tuple[float, float], half: tuple[float, float, float]
) -> Field:
    """Chord through an ellipsoid with half axes (x, y, z)."""
    rest = 1 - ((detector.x - centre[0]) / half[0]) ** 2 - ((detector.y - centre[1]) / half[1]) ** 2
    return np.asarray(2 * half[2] * np.sqrt(np.maximum(rest, 0)), np.float32)


def through(nodes: Points, s: Points) -> Points:
    """A smooth curve through `nodes` [n, k], evenly spaced over 0 to 1, at `s`: [s, k].

    Cubic Hermite pieces with central differences as tangents (Catmull and Rom 1974).
    """
    last = len(nodes) - 1
    place = np.clip(np.asarray(s) * last, 0, last)
    base = np.minimum(place.astype(np.int64), last - 1)
    t = (place - base)[:, None]
    tangents = np.gradient(nodes, axis=0)
    start, end = nodes[base], nodes[base + 1]
    bend = (2 * t**3 - 3 * t**2 + 1) * start + (3 * t**2 - 2 * t**3) * end
    bend += (t**3 - 2 * t**2 + t) * tangents[base] + (t**3 - t**2) * tangents[base + 1]
    return np.asarray(bend, np.float64)


def upsample(coarse: Field, rows: int, columns: int, factor: float) -> Field:
    """Cubic B-spline with control points every `factor` pixels; smooths rather than interpolates.

    `coarse` carries a border of 2 points on every side.
    """
    return _spline_rows(_spline_rows(coarse, rows, factor).T, columns, factor).T


def _spline_rows(coarse: Field, rows: int, factor: float) -> Field:
    position = (np.arange(rows) + 0.5) / factor + 1.5
    base = np.minimum(position.astype(np.int64), coarse.shape[0] - 3)
    t = (position - base).astype(np.float32)[:, None]
    result = coarse[base - 1] * ((1 - t) ** 3 / 6)
    result += coarse[base] * ((3 * t**3 - 6 * t**2 + 4) / 6)
    result += coarse[base + 1] * ((-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6)
    result += coarse[base + 2] * (t**3 / 6)
    return np.asarray(result, np.float32)


def noise(detector: Frame, scale: float, rng: np.random.Generator) -> Field:
    """Smooth Gaussian noise, about zero mean and unit variance, with grains of `scale` mm."""
    factor = scale / detector.spacing
    shape = (int(detector.rows / factor) + 6, int(detector.columns / factor) + 6)
    coarse = rng.standard_normal(shape, np.float32)
    if factor < 1.5:
        fine = rng.standard_normal((detector.rows, detector.columns), np.float32)
        return np.asarray(fine, np.float32)
    # 0.479 is the mean over positions of the sum of squared cubic B-spline weights, per axis.
    return upsample(coarse, detector.rows, detector.columns, factor) / np.float32(0.479)


def enlargement(angle: float) -> float:
    """By how much `turned` and `turning` enlarge a square so that no corner is empty."""
    return float(np.cos(angle) + abs(np.sin(angle)))


def turned(field: Field, angle: float) -> Field:
    """`field` turned by `angle` radians about its middle and enlarged."""
    matrix, offset = _turn(field.shape, angle)
    whole = ndimage.affine_transform(field, matrix, offset, order=1, mode="nearest")
    return np.asarray(whole, np.float32)


def turning(shape: tuple[int, int], angle: float) -> NDArray[np.intp]:
    """[rows, columns]: flat index of the pixel that `turned` shows at each place, for masks."""
    matrix, offset = _turn(shape, angle)
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    row = np.rint(matrix[0, 0] * rows + matrix[0, 1] * columns + offset[0]).astype(np.intp)
    column = np.rint(matrix[1, 0] * rows + matrix[1, 1] * columns + offset[1]).astype(np.intp)
    row, column = np.clip(row, 0, shape[0] - 1), np.clip(column, 0, shape[1] - 1)
    return np.asarray(row * shape[1] + column)


def _turn(shape: tuple[int, ...], angle: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[cos, -sin], [sin, cos]]) / enlargement(angle)
    middle = (np.array(shape) - 1) / 2
    return matrix, middle - matrix @ middle


def blur(field: Field, sigma: float) -> Field:
    """Gaussian blur by `sigma` pixels; wide ones on a reduced grid."""
    if sigma < 4:
        return np.asarray(ndimage.gaussian_filter(field, sigma, mode="nearest", truncate=3))
    factor = max(2, int(sigma / 2.5))
    rows, columns = field.shape
    pad = ((0, -rows % factor), (0, -columns % factor))
    whole = np.pad(field, pad, mode="edge")
    small = whole.reshape(whole.shape[0] // factor, factor, whole.shape[1] // factor, factor).mean(
        (1, 3)
    )
    # The B-spline itself blurs by sqrt(1/3) control points.
    rest = np.sqrt(max((sigma / factor) ** 2 - 1 / 3, 0.01))
    small = ndimage.gaussian_filter(small, rest, mode="nearest", truncate=3)
    return upsample(np.pad(small, 2, mode="edge"), rows, columns, factor)


@dataclass(frozen=True)
class Technique:
    """How the exposure was made and processed.

    Attributes:
        kvp: tube voltage.
        scatter: scatter-to-primary ratio behind 100 mm of tissue, after any grid.
        quanta: detected quanta per mm2 in the open field.
        detail: gain of structures below about 6 mm.
        latitude: gain of structures above about 50 mm; below 1 shows lungs and spine at once.
        dark, bright: levels, 0 to 1, that aerated lung and dense tissue are given.
        unsharpness: mm of blur before the detector.
    """

    kvp: float
    scatter: float
    quanta: float
    detail: float
    latitude: float
    dark: float
    bright: float
    unsharpness: float


@dataclass(frozen=True, eq=False)
class Matter:
    """What each ray passes: mm of water-like tissue, of fat, of cortical bone and of metal."""

    water: Field
    fat: Field
    bone: Field
    metal: Field


def attenuation(kvp: float) -> tuple[float, float, float, float]:
    """Linear attenuation in 1/mm of water, fat, cortical bone *in place of water*, and metal.

    The effective energy of a filtered chest beam is taken as 0.55 of the peak.
    """
    ratio = 60.0 / (0.55 * kvp)
    water, fat = 0.0206 * ratio**0.35, 0.0180 * ratio**0.3
    return water, fat, 0.0600 * ratio**1.1 - water, 1.2 * ratio**2


def transmit(matter: Matter, spacing: float, technique: Technique) -> Field:
    """What leaves the patient relative to the open field: blurred primary beam and scatter."""
    water, fat, bone, metal = attenuation(technique.kvp)
    depth = matter.water * np.float32(water) + matter.fat * np.float32(fat)
    depth += matter.bone * np.float32(bone)
    depth += matter.metal * np.float32(metal)
    primary = np.exp(-depth)
    thickness = (matter.water + matter.fat) / 100
    scatter = blur(np.asarray(primary * thickness), 45 / spacing) * np.float32(technique.scatter)
    sigma = float(np.hypot(0.4, technique.unsharpness / spacing))
    return np.asarray(blur(np.asarray(primary), sigma) + scatter, np.float32)


def detect(
    signal: Field, lead: Field, spacing: float, technique: Technique, rng: np.random.Generator
) -> Field:
    """`signal` behind `lead` (mm) that lies on the detector, with quantum noise."""
    signal = signal * np.exp(lead * np.float32(-attenuation(technique.kvp)[3]))
    grain = rng.standard_normal(signal.shape, np.float32)
    # Light spread in the phosphor correlates the noise of neighbours a little.
    grain = ndimage.gaussian_filter(grain, 0.5, truncate=3) * np.float32(1.6)
    deviation = np.sqrt(signal / np.float32(technique.quanta * spacing**2))
    return np.asarray(np.maximum(signal + grain * deviation, 1e-4), np.float32)


def develop(
    signal: Field,
    spacing: float,
    technique: Technique,
    lungs: NDArray[np.bool_],
    dense: NDArray[np.bool_],
) -> NDArray[np.uint16]:
    """12-bit pixels, dense = bright: log, latitude reduction, detail gain, S-shaped tone curve.

    `lungs` and `dense` are where the exposure is looked up that becomes dark and bright, as the
    histogram analysis of a reader unit does.
    """
    density = -np.log(signal)
    coarse = blur(density, 24 / spacing)
    middle = blur(density, 3.0 / spacing)
    image = np.float32(technique.latitude) * coarse + np.float32(0.68) * (middle - coarse)
    image += (density - middle) * np.float32(technique.detail)
    low = float(np.percentile(image[lungs][::5], 3)) if lungs.any() else float(image.min())
    high = float(np.percentile(image[dense][::5], 60)) if dense.any() else float(image.max())
    # Half way to the usual contrast of lung and trunk, lest a finding set its own level.
    low = (low + high - _USUAL_CONTRAST) / 2
    start, end = _logit(technique.dark), _logit(technique.bright)
    slope = (end - start) / max(high - low, 1.0)
    level = 1 / (1 + np.exp(-((start + end) / 2 + (image - (low + high) / 2) * np.float32(slope))))
    return np.asarray(np.rint(level * FULL_SCALE), np.uint16)


_USUAL_CONTRAST = 1.8
"""Difference of log exposure between aerated lung and dense trunk."""


def _logit(level: float) -> float:
    return float(np.log(level / (1 - level)))
