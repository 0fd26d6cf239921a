"""How far simulated radiographs are from real ones, with real against real as the baseline.

Three distances, each after the encoder's own scaling: of grey levels (histograms), of sharpness and
grain (power spectra), and of what the frozen backbone sees (Frechet distance of its features). Each
stands beside the same distance between two halves of the real patients, which is what no
simulation can be expected to beat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from clinical.case.case import Case
from clinical.case.shapes import Array, Arrays
from clinical.cohorts.sources import source
from clinical.errors import CohortError
from clinical.modalities.radiograph import encoder
from clinical.modalities.radiograph.film_network import IMAGENET_CHANNELS
from clinical.modalities.radiograph.rows import IMAGE

LEVELS = 64
"""Bins of a histogram of grey levels from 0 to 1."""

FEWEST = 8
"""Images on each side below which the distances mean nothing."""

BAND = (0.02, 0.35)
"""Cycles per pixel of the network's input over which the slope of a spectrum is fitted."""


@dataclass(frozen=True)
class Distances:
    """Between two sets of images; all 0 for the same set.

    Attributes:
        wasserstein: earth mover's distance of grey levels, in parts of the whole range.
        jensen_shannon: distance (root of the divergence, base 2) of the histograms, 0 to 1.
        spectrum_db: root mean square difference of the mean log power spectra, in dB.
        frechet: of pooled backbone features in `components` principal components (Heusel et al.
            2017, arXiv 1706.08500), in units of the pooled variance.
    """

    wasserstein: float
    jensen_shannon: float
    spectrum_db: float
    frechet: float


@dataclass(frozen=True)
class Realism:
    """A simulated cohort beside a real one.

    Attributes:
        simulated_images, real_images: how many were looked at.
        simulated_to_real: mean over the two halves of the real patients.
        real_to_real: one half of the real patients against the other.
        simulated_slope, real_slope: of log power over log frequency; natural images lie near -2
            (Field 1987).
        components: principal components that the Frechet distance was computed in.
    """

    simulated_images: int
    real_images: int
    simulated_to_real: Distances
    real_to_real: Distances
    simulated_slope: float
    real_slope: float
    components: int


@dataclass(frozen=True, eq=False)
class Sample:
    """What is kept of a set of images.

    Attributes:
        histograms: [images, LEVELS], each sums to 1.
        spectra: [images, rings] log10 power.
        features: [images, channels] of the backbone, averaged over patches.
        patients: of every image.
    """

    histograms: NDArray[np.float64]
    spectra: NDArray[np.float64]
    features: NDArray[np.float64]
    patients: tuple[str, ...]

    def only(self, keep: NDArray[np.intp]) -> Sample:
        """The images at positions `keep`."""
        return Sample(
            self.histograms[keep],
            self.spectra[keep],
            self.features[keep],
            tuple(self.patients[i] for i in keep),
        )


def compare(
    simulated: Path,
    real: Path,
    *,
    simulated_source: str = "folder",
    real_source: str = "nih_chestxray",
    limit: int = 200,
    components: int = 12,
    seed: int = 0,
) -> Realism:
    """Compare the images of two cohorts, read by the project's own readers.

    Args:
        simulated, real: folders of the cohorts.
        simulated_source, real_source: names of their readers.
        limit: at most this many images of each, drawn at random.
        components: principal components for the Frechet distance; few enough for the images.
        seed: of the draws and of the halves.

    Raises:
        CohortError: if a cohort cannot be read or has too few images.
        ConfigError: if there is no such reader.
    """
    made = sample(images(simulated, simulated_source, limit, seed))
    taken = sample(images(real, real_source, limit, seed))
    one, other = halves(taken, np.random.default_rng(seed))
    rng = np.random.default_rng(seed + 1)
    # Like numbers on both sides: the Frechet distance of small samples depends on how small.
    size = min(len(made.patients), len(one.patients), len(other.patients))
    if size < FEWEST:
        raise CohortError(
            "There are too few images to compare.",
            remedy=f"give two cohorts with at least {2 * FEWEST} radiographs of as many patients",
        )
    made_part, one, other = (_drawn(part, size, rng) for part in (made, one, other))
    kept = min(components, size - 1)
    axes = principal_axes(np.concatenate([made_part.features, one.features, other.features]), kept)
    near, far = distances(made_part, one, axes), distances(made_part, other, axes)
    return Realism(
        simulated_images=len(made.patients),
        real_images=len(taken.patients),
        simulated_to_real=_mean(near, far),
        real_to_real=distances(one, other, axes),
        simulated_slope=slope(made.spectra.mean(axis=0)),
        real_slope=slope(taken.spectra.mean(axis=0)),
        components=kept,
    )


def images(root: Path, name: str, limit: int, seed: int) -> list[tuple[str, Array]]:
    """Patient and image of at most `limit` cases drawn from a cohort, one image for each case."""
    reader = source(name)
    entries = reader.index(root)
    rng = np.random.default_rng(seed)
    chosen = {entries[i].case_id for i in rng.permutation(len(entries))[:limit]}
    found = []
    for reading in reader.read(root, chosen):
        if isinstance(reading, Case):
            value = reading.inputs.get(IMAGE)
            if value is not None and value.arrays[0].values.ndim == 2:
                found.append((reading.patient_id, value.arrays[0]))
    return found


def sample(pictures: Sequence[tuple[str, Array]]) -> Sample:
    """Histogram, spectrum and features of every image, as the encoder would see it.

    Raises:
        CohortError: if there are none.
    """
    if not pictures:
        raise CohortError(
            "The cohort holds no radiographs.", remedy="give the folder of a cohort with images"
        )
    settings = encoder.Settings()
    histograms, spectra, features = [], [], []
    for _, image in pictures:
        seen = encoder.network_input(image.values, settings.image_size, None)[0].numpy()
        levels = (seen.astype(np.float64) * 128 + 127) / 255
        histograms.append(histogram(levels))
        spectra.append(spectrum(levels))
        prepared = encoder.prepare(Arrays((image,)), settings)
        patches = prepared.features["patch"][:, :IMAGENET_CHANNELS]
        features.append(patches.astype(np.float64).mean(axis=0))
    patients = tuple(patient for patient, _ in pictures)
    return Sample(np.array(histograms), np.array(spectra), np.array(features), patients)


def histogram(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of pixels in each of `LEVELS` bins from 0 to 1."""
    counts, _ = np.histogram(np.clip(levels, 0, 1), LEVELS, (0, 1))
    return np.asarray(counts / counts.sum(), np.float64)


def spectrum(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """log10 of power against frequency, averaged over rings; a Hann window hides the borders."""
    side = min(levels.shape)
    window = np.hanning(side)
    square = levels[:side, :side]
    square = (square - square.mean()) * np.outer(window, window)
    power = np.abs(np.fft.fft2(square)) ** 2
    at = np.fft.fftfreq(side)
    ring = np.rint(np.hypot(at[:, None], at[None, :]) * side).astype(int)
    rings = side // 2
    total = np.bincount(ring.ravel(), power.ravel())[1:rings]
    many = np.bincount(ring.ravel())[1:rings]
    return np.asarray(np.log10(total / many + 1e-12), np.float64)


def slope(log_power: NDArray[np.float64]) -> float:
    """Exponent of the power law that fits a spectrum over `BAND`."""
    frequency = np.arange(1, log_power.size + 1) / (2 * (log_power.size + 1))
    band = (frequency >= BAND[0]) & (frequency <= BAND[1])
    return float(np.polyfit(np.log10(frequency[band]), log_power[band], 1)[0])


def halves(whole: Sample, rng: np.random.Generator) -> tuple[Sample, Sample]:
    """Two halves with no patient in common."""
    patients = sorted(set(whole.patients))
    first = {patients[i] for i in rng.permutation(len(patients))[: len(patients) // 2]}
    inside = np.array([patient in first for patient in whole.patients], bool)
    return whole.only(np.flatnonzero(inside)), whole.only(np.flatnonzero(~inside))


def _drawn(part: Sample, size: int, rng: np.random.Generator) -> Sample:
    return part.only(np.sort(rng.permutation(len(part.patients))[:size]))


def principal_axes(features: NDArray[np.float64], components: int) -> NDArray[np.float64]:
    """[channels, components]: directions of most variance, scaled to a total variance of 1."""
    centred = features - features.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    total = float((singular[:components] ** 2).sum() / max(len(features) - 1, 1))
    return np.asarray(axes[:components].T / np.sqrt(max(total, 1e-12)), np.float64)


def distances(a: Sample, b: Sample, axes: NDArray[np.float64]) -> Distances:
    """Between two samples, features in the directions `axes` [channels, components]."""
    at = (np.arange(LEVELS) + 0.5) / LEVELS
    first, second = a.histograms.mean(axis=0), b.histograms.mean(axis=0)
    rings = 10 * (a.spectra.mean(axis=0) - b.spectra.mean(axis=0))
    return Distances(
        wasserstein=float(wasserstein_distance(at, at, first, second)),
        jensen_shannon=float(jensenshannon(first, second, base=2)),
        spectrum_db=float(np.sqrt((rings**2).mean())),
        frechet=frechet(a.features @ axes, b.features @ axes),
    )


def frechet(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Squared Frechet distance of two Gaussians fitted to the rows of `a` and `b`."""
    gap = a.mean(axis=0) - b.mean(axis=0)
    one, other = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # tr sqrt(AB) is the sum of the roots of the eigenvalues of AB, which are real and positive.
    eigenvalues = linalg.eigvals(one @ other).real
    cross = float(np.sqrt(np.maximum(eigenvalues, 0)).sum())
    return max(float(gap @ gap + np.trace(one) + np.trace(other) - 2 * cross), 0.0)


def _mean(a: Distances, b: Distances) -> Distances:
    return Distances(
        *((getattr(a, field.name) + getattr(b, field.name)) / 2 for field in fields(Distances))
    )


def table(found: Realism) -> list[tuple[str, str, str]]:
    """Rows to print: what, simulated to real, real to real."""
    names = {
        "wasserstein": "grey levels, Wasserstein",
        "jensen_shannon": "grey levels, Jensen-Shannon",
        "spectrum_db": "power spectrum, dB",
        "frechet": f"backbone features, Frechet ({found.components} components)",
    }
    rows = [
        (
            label,
            f"{getattr(found.simulated_to_real, name):.3f}",
            f"{getattr(found.real_to_real, name):.3f}",
        )
        for name, label in names.items()
    ]
    slopes = ("slope of the spectrum, simulated and real",)
    return [*rows, (*slopes, f"{found.simulated_slope:.2f}", f"{found.real_slope:.2f}")]
