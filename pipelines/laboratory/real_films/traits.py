"""`triptych films teach-traits`: fit the network that says what a film seems to be, and judge it.

It learns from the films that may teach and from simulated ones, every one in a posture drawn at
random (quarter turns, mirrored) and one in four inverted, and from pictures that are no chest. It
is judged by leaving every source out in turn: a network that the others taught looks at its films
as they are, and at each turned, mirrored and inverted. All films of the sets are taken to stand as
they should. The limits are set on these left-out films; the weights that ship learn from
all sources.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save_file
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from clinical.modalities.radiograph import traits
from clinical.modalities.radiograph.traits import (
    CONVOLUTIONS,
    DOUBTS,
    HIDDEN,
    INVERTED,
    LIMITS,
    MIRRORED,
    NO_CHEST,
    OUTPUTS,
    POSTURES,
    QUARTERS,
    SEEN,
    TURNED,
    UPSIDE_DOWN,
    WEIGHTS,
)
from clinical.modalities.radiograph.views import projection_of
from clinical.model import calibration
from clinical.wording import RESEARCH_USE
from pipelines.jobs.progress import bar, console
from pipelines.laboratory.pretrain import lung_films
from pipelines.laboratory.real_films import other_pictures
from pipelines.laboratory.real_films.gather import LEARN
from pipelines.statistics.metrics import auroc_interval

SEED = 19
STEPS = 800
COPIES = 4
"""Disturbed copies of every film; drawn anew in each step they would cost ten times as much."""

FALSE_ALARMS = 0.005
"""Share of the films of any source left out that each doubt may be wrong about."""

SIMULATED, SIMULATED_FILMS, SIMULATED_SEED = "simulated", 240, 777
_SIDE = 256
_BATCH, _OTHERS, _OTHER_PICTURES, _AT_ONCE = 48, 12, 800, 64
_RATE, _WEIGHT_DECAY, _WARM_STEPS = 2e-3, 1e-2, 50
_MOST = 300  # films that a source counts as at the most, so that none outweighs the others

Weights = Mapping[str, NDArray[np.float32]]


class Network(nn.Module):
    """Films [n, 1, 64, 64] to logits [n, OUTPUTS]: the one that `traits.run` runs."""

    def __init__(self) -> None:
        super().__init__()
        pairs = pairwise(CONVOLUTIONS)
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in pairs)
        cells = SEEN // 2 ** len(self.convolutions)
        self.hidden = nn.Linear(CONVOLUTIONS[-1] * cells**2, HIDDEN)
        self.out = nn.Linear(HIDDEN, OUTPUTS)
        self.dropout = nn.Dropout(0.3)

    def forward(self, films: Tensor) -> Tensor:
        """Logits."""
        x = films * 2 - 1
        for convolution in self.convolutions:
            x = convolution(x).relu()
        found: Tensor = self.out(self.dropout(self.hidden(x.flatten(1)).relu()))
        return found


@dataclass(frozen=True, eq=False)
class Films:
    """Films of several sources.

    Attributes:
        pixels: [n, 256, 256] uint8.
        sources, patients: of each.
        ap: [n]; 1 for AP, 0 for PA, NaN where it is not said, or of a source that has only one.
        teaches: [n], whether it may.
        disturbed: copies of each as the network sees them [n, COPIES, 64, 64] uint8, of 255 ranks.
        others: the same of pictures that are no chest [m, 64, 64].
    """

    pixels: NDArray[np.uint8]
    sources: NDArray[np.str_]
    patients: NDArray[np.str_]
    ap: NDArray[np.float64]
    teaches: NDArray[np.bool_]
    disturbed: NDArray[np.uint8]
    others: NDArray[np.uint8]


@dataclass(frozen=True)
class Judged:
    """What a network that a source did not teach says of its films.

    Attributes:
        source: that was left out.
        chances: what was done to the films to the chance of every doubt, name to [n].
        ap: AUROC of AP against PA with its interval, or why there is none.
    """

    source: str
    chances: Mapping[str, Mapping[str, NDArray[np.float64]]]
    ap: str


DONE: Mapping[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "": lambda film: film,
    UPSIDE_DOWN: lambda film: np.rot90(film, 2, (-2, -1)),
    "flipped top to bottom": lambda film: film[..., ::-1, :],
    TURNED: lambda film: np.rot90(film, 1, (-2, -1)),
    MIRRORED: lambda film: film[..., ::-1],
    INVERTED: lambda film: 255 - film,
}
"""What is done to a film to what does it; "" leaves it as it is."""

RIGHT = {"flipped top to bottom": UPSIDE_DOWN}
"""What is done to the doubt that should be uttered, where they differ."""


def read(cohort: Path, simulated: Path, jobs: int) -> Films:
    """The films of a gathered cohort, and simulated ones, drawn into a folder."""
    rows = _rows(cohort / "cases.csv")
    paths = {row["case_id"]: row["path"] for row in _rows(cohort / "images.csv")}
    real = [_square(cohort / paths[row["case_id"]]) for row in rows]
    files = list(lung_films.kept(simulated, SIMULATED_FILMS, SIMULATED_SEED, jobs))
    drawn = lung_films.read(files).films.numpy()
    sources = [row["site"] for row in rows] + [SIMULATED] * len(drawn)
    ap = [_ap(row["view"]) for row in rows] + [np.nan] * len(drawn)
    known = {
        s: {v for v, of in zip(ap, sources, strict=True) if of == s and v == v} for s in sources
    }
    pixels = np.concatenate([np.stack(real), drawn])
    rng = np.random.default_rng(SEED)
    teaches = np.array([row["split"] == LEARN for row in rows] + [True] * len(drawn))
    others = other_pictures.drawn(pixels[teaches], _OTHER_PICTURES, rng)
    return Films(
        pixels,
        np.array(sources),
        np.array(
            [row["patient_id"] for row in rows] + [f"simulated-{n}" for n in range(len(drawn))]
        ),
        np.array([v if len(known[s]) == 2 else np.nan for v, s in zip(ap, sources, strict=True)]),
        teaches,
        np.stack([_disturbed(pixels, rng) for _ in range(COPIES)], axis=1),
        _disturbed(others, rng),
    )


def _disturbed(films: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    found = []
    for start in range(0, len(films), _AT_ONCE):
        part = torch.from_numpy(films[start : start + _AT_ONCE])
        seen, _ = lung_films.disturbed_films(part, rng, sides=False)
        found.append((traits.pooled(seen[:, 0].numpy()) * 255).astype(np.uint8))
    return np.concatenate(found)


def _rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def _ap(view: str) -> float:
    found = projection_of(view)
    return float(found == "AP") if found else np.nan


def _square(file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as picture:
        return np.asarray(picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR))


def fit(films: Films, left_out: str, *, steps: int = STEPS) -> Weights:
    """Weights that every source but one taught; "" leaves none out."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    rng = np.random.default_rng([SEED, len(left_out)])
    lessons = np.flatnonzero(films.teaches & (films.sources != left_out))
    names, counts = np.unique(films.sources[lessons], return_counts=True)
    weight = dict(zip(names, np.minimum(counts, _MOST) / counts, strict=True))
    chance = np.array([weight[one] for one in films.sources[lessons]])
    network = Network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_WEIGHT_DECAY)
    with bar() as progress:
        task = progress.add_task(f"without {left_out or 'none'}", total=steps, note="")
        for step in range(steps):
            _set_rate(optimiser, step, steps)
            chosen = rng.choice(lessons, _BATCH, p=chance / chance.sum())
            loss = _loss(network, films, chosen, rng)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            progress.update(task, completed=step + 1, note=f"loss {float(loss.detach()):.3f}")
    return {name: value.half().float().numpy() for name, value in network.state_dict().items()}


def _set_rate(optimiser: torch.optim.Optimizer, step: int, steps: int) -> None:
    warm = min(1.0, (step + 1) / _WARM_STEPS)
    rate = warm * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * step / steps)))
    for group in optimiser.param_groups:
        group["lr"] = _RATE * rate


def _loss(
    network: Network, films: Films, chosen: NDArray[np.intp], rng: np.random.Generator
) -> Tensor:
    others = rng.integers(len(films.others), size=_OTHERS)
    copies = rng.integers(COPIES, size=len(chosen))
    seen = np.concatenate([films.disturbed[chosen, copies], films.others[others]])
    posture, inverted = rng.integers(POSTURES, size=len(seen)), rng.random(len(seen)) < 0.25
    ranks = np.stack([_put(film, int(p)) for film, p in zip(seen, posture, strict=True)]) / 255
    ranks = np.where(inverted[:, None, None], 1 - ranks, ranks).astype(np.float32)
    logits = network(torch.from_numpy(ranks)[:, None])
    ap = torch.from_numpy(films.ap[chosen]).float()
    known = ~ap.isnan()
    chest = torch.cat([torch.ones(len(chosen)), torch.zeros(_OTHERS)])
    real = slice(len(chosen))
    loss: Tensor = (
        cross_entropy(logits[real, :POSTURES], torch.from_numpy(posture[real]))
        + binary_cross_entropy_with_logits(
            logits[real, POSTURES], torch.from_numpy(inverted[real]).float()
        )
        + 0.5 * _mean(logits[real, POSTURES + 1][known], ap[known])
        + binary_cross_entropy_with_logits(logits[:, POSTURES + 2], chest)
    )
    return loss


def _mean(logits: Tensor, wanted: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(logits, wanted, reduction="sum") / max(len(wanted), 1)


def _put(film: NDArray[np.uint8], posture: int) -> NDArray[np.uint8]:
    turned = np.rot90(film[:, ::-1] if posture >= QUARTERS else film, posture % QUARTERS)
    return np.ascontiguousarray(turned)


def judge(films: Films, source: str, weights: Weights) -> Judged:
    """What weights say of the films of a source."""
    own = np.flatnonzero(films.sources == source)
    chances = {}
    for name, change in DONE.items():
        found = [_doubts(change(film), weights) for film in films.pixels[own]]
        chances[name] = {key: np.array([one[key] for one in found]) for key in found[0]}
    scores = np.array([_ap_of(film, weights) for film in films.pixels[own]])
    area = auroc_interval(
        scores, films.ap[own], films.patients[own].tolist(), samples=1000, seed=SEED
    )
    return Judged(source, chances, str(area))


def _logits(film: NDArray[np.uint8], weights: Weights) -> NDArray[np.float32]:
    return np.asarray(traits.run(traits.seen(film.astype(np.float32))[None], weights)[0])


def _doubts(film: NDArray[np.uint8], weights: Weights) -> Mapping[str, float]:
    return traits.of_logits(_logits(film, weights)).doubts


def _ap_of(film: NDArray[np.uint8], weights: Weights) -> float:
    return float(_logits(film, weights)[POSTURES + 1])


def limits_of(judged: Sequence[Judged], share: float = FALSE_ALARMS) -> dict[str, float]:
    """Name of each doubt to its limit: at most a share of the films of any source lie above it."""
    found = {}
    for doubt in DOUBTS:
        ends = [np.quantile(one.chances[""][doubt], 1 - share, method="higher") for one in judged]
        found[doubt] = round(max(0.5, *map(float, ends)), 4)
    return found


def table(judged: Sequence[Judged], limits: Mapping[str, float]) -> str:
    """Shares of the films of each source that were left out, and what is not told, as AUROC."""
    found = [name for name in DONE if name not in ("", MIRRORED)]
    lines = [
        "| source left out | films | any false doubt | "
        + " | ".join(f"{name}: found" for name in found)
        + " | mirrored or not, AUROC | AP or PA, AUROC |",
        "|" + " --- |" * (len(found) + 5),
    ]
    for one in judged:
        plain = _told(one.chances[""], limits)
        right = [
            np.mean(_told(one.chances[name], limits) == RIGHT.get(name, name)) for name in found
        ]
        shares = [f"{share:.1%}" for share in (np.mean(plain != ""), *right)]
        sides = [one.chances[name][MIRRORED] for name in ("", MIRRORED)]
        area = calibration.auroc(np.concatenate(sides), np.repeat([0.0, 1.0], len(plain)))
        lines.append(
            f"| {one.source} | {len(plain)} | {' | '.join(shares)} | {area:.3f} | {one.ap} |"
        )
    return "\n".join([*lines, ""])


def _told(
    chances: Mapping[str, NDArray[np.float64]], limits: Mapping[str, float]
) -> NDArray[np.str_]:
    """Name of the doubt that is uttered about each film, or ""."""
    count = len(chances[NO_CHEST])
    rows: Iterator[Mapping[str, float]] = (
        {name: float(of[n]) for name, of in chances.items()} for n in range(count)
    )
    return np.array([traits.told(row, limits) or "" for row in rows])


def teach(cohort: Path, out: Path, *, steps: int = STEPS, jobs: int = 1) -> str:
    """Judge by leaving sources out, write weights that all taught with their card; the table.

    Weights of each fit are kept in `out`, so that a run that was stopped resumes.
    """
    out.mkdir(parents=True, exist_ok=True)
    films = read(cohort, out / "films", jobs)
    judged = [
        judge(films, source, _kept(films, source, out, steps))
        for source in dict.fromkeys(films.sources.tolist())
    ]
    limits = limits_of(judged)
    weights = {name: w.astype(np.float16) for name, w in _kept(films, "", out, steps).items()}
    save_file(weights, out / WEIGHTS.name, metadata={LIMITS: json.dumps(limits)})
    told = table(judged, limits)
    taught = films.sources[films.teaches]
    (out / f"{WEIGHTS.stem}.md").write_text(card(told, limits, taught), encoding="utf-8")
    console.print(f"weights in {out}")
    return told


def _kept(films: Films, source: str, out: Path, steps: int) -> Weights:
    file = out / f"without-{source or 'none'}.npz"
    if not file.exists():
        unfinished = file.with_suffix(".part.npz")
        np.savez(unfinished, allow_pickle=False, **fit(films, source, steps=steps))
        unfinished.replace(file)
    with np.load(file, allow_pickle=False) as stored:
        return dict(stored)


def card(told: str, limits: Mapping[str, float], taught: NDArray[np.str_]) -> str:
    """What the weights are and how well they tell, in Markdown."""
    names, counts = np.unique(taught, return_counts=True)
    learnt = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    above = ", ".join(f"{name} {limit:g}" for name, limit in limits.items())
    return "\n".join(
        [
            "# Traits network: what a film seems to be",
            "",
            f"**{RESEARCH_USE}** A network of four convolutions on 64 x 64 ranks of brightness."
            f" It learnt from films of: {learnt}; licences as in docs/real-films.md"
            " (NIH with attribution, CC BY 4.0, CC BY 3.0).",
            "",
            f"A doubt is told above: {above}. Of each source when it was left out:",
            "",
            told,
        ]
    )
