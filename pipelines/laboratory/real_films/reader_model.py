"""The model for real films: taught by all sources that may teach, calibrated on sources left out.

What it says of a film of another hospital is what matters. So calibration, operating point, sets
and the lower bound of its AUROC, by which suggestions are withheld, are not those of validation
patients of the same sources: they are fitted to what readers said that had not learnt from the
source (`judge.own`), over all sources that have both labels. The bound is that of the source where
it is worst.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clinical.errors import CohortError
from clinical.modalities.radiograph.rows import IMAGE
from clinical.model import calibration
from clinical.model import model as models
from clinical.model.calibration import Support
from clinical.model.model import Model
from clinical.wording import RESEARCH_USE
from pipelines.jobs.progress import console
from pipelines.laboratory.real_films import judge
from pipelines.laboratory.real_films.gather import LEARN, OPACITY
from pipelines.laboratory.real_films.judge import Films, equal_numbers, read_films
from pipelines.laboratory.real_films.readers import LEAST_TO_JUDGE

CROP = "coarse lungs"

Said = Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Source to the log odds of films that its reader had not learnt from, and their labels."""


def teach(cohort: Path, out: Path) -> Model:
    """Write the model and its card into `out / "model"`.

    Args:
        cohort: that `gather` has written.
        out: folder for the results; frozen features are kept in it.

    Raises:
        CohortError: if fewer than two sources have films of both labels: nothing can be left out.
    """
    films = read_films(cohort, out / "cache", (CROP,))
    known = ~np.isnan(films.any_dataset.labels[:, 0])
    free = films.where(known & np.array([one == LEARN for one in films.splits]))
    said = left_out_odds(films, free)
    model = calibrated_elsewhere(judge.taught(free, CROP), said)
    folder = out / "model"
    models.save(model, folder)
    (folder / "MODEL_CARD.md").write_text(card(model, free, said), encoding="utf-8")
    console.print(f"model {model.identity.digest[:12]} in {folder}")
    return model


def left_out_odds(films: Films, free: Films) -> Said:
    """What a reader taught by the other sources says of each source that has both labels."""
    said = {}
    for source in dict.fromkeys(films.sources):
        here = np.array([one == source for one in films.sources])
        tested = free.where(here)
        counts = Counter(tested.labels.tolist())
        if min(counts[0.0], counts[1.0]) < LEAST_TO_JUDGE:
            continue
        tested = equal_numbers(tested)
        said[source] = (judge.own(CROP)(free.where(~here))[tested.chosen], tested.labels)
    if len(said) < 2:
        raise CohortError(
            "Fewer than two sources have enough films with and without an opacity.",
            remedy="gather nih and kermany at least",
        )
    return said


def calibrated_elsewhere(model: Model, said: Said) -> Model:
    """The model with calibration, threshold and sets from films of sources not learnt from."""
    odds, labels = (np.concatenate([pair[n] for pair in said.values()]) for n in (0, 1))
    each = [calibration.fit_support(*pair) for pair in said.values()]
    worst = min(each, key=lambda one: -1.0 if one.low is None else one.low)
    slope, intercept = calibration.platt(odds, labels)
    counts = int(labels.sum()), int((1 - labels).sum())
    support = Support(slope, intercept, worst.auroc, worst.low, *counts)
    chances = np.array([calibration.apply(one, support) for one in odds])
    pair = chances[:, None], labels[:, None]
    return models.build(
        name=model.name,
        diagnoses=model.diagnoses,
        specs=model.specs,
        network=model.network,
        support={IMAGE: {OPACITY: support}},
        thresholds={OPACITY: calibration.youden_threshold(chances, labels)},
        prevalence=model.prevalence,
        envelopes=model.envelopes,
        set_rules=calibration.fit_set_rules({IMAGE: pair}, model.prevalence),
        study=model.study,
        facts={**model.facts, "calibrated_on": {name: len(one[1]) for name, one in said.items()}},
    )


def card(model: Model, free: Films, said: Said) -> str:
    """What the model is, whom it learnt from, how it did elsewhere, and what it cannot say."""
    support = model.support[IMAGE][OPACITY]
    facts, learnt = model.facts, Counter(free.sources[film] for film in free.chosen)
    lines = [
        f"# Model card: {model.name}",
        "",
        f"**{RESEARCH_USE}** Identity `{model.identity.digest}`, configuration"
        f" `{model.identity.configuration_digest}`.",
        "",
        "## What it is",
        "",
        "Reads one frontal chest film and says one thing: opacity, yes or no. It says nothing of"
        " measurements, history or notes, and names no diagnosis. The film is cut to the lungs"
        " (a U-Net that learnt simulated films), looked at by two frozen networks and read by one"
        f" query; {facts['trained_parameters']:,} trained parameters.",
        "",
        f"Trained on {facts['training_cases']} films of {facts['training_patients']} patients,"
        f" early stopping and domain limit from {facts['validation_cases']} films of"
        f" {facts['validation_patients']} others; as many with an opacity as without in every view"
        " of a source, so a probability of 50% is that of such a mix and of no department.",
        "",
        "## Whom it learnt from",
        "",
        "| source | films that may teach | licence, attribution |",
        "| --- | --- | --- |",
        *(f"| {name} | {learnt[name]} | {CREDITS[name]} |" for name in CREDITS if learnt[name]),
        "",
        "## How readers like it did on a source that they had not learnt from",
        "",
        "| left out | films | AUROC | 95% interval from |",
        "| --- | --- | --- | --- |",
        *_rows(said),
        "",
        "Calibration, threshold and sets rest on these films; the model is withheld by the"
        f" interval of the worst source (from {support.low:.3f}). All readers that were tried, with"
        " those that failed: docs/real-films.md.",
        "",
        "## Limits",
        "",
        *LIMITS,
        "",
    ]
    return "\n".join(lines)


CREDITS = {
    "nih": "NIH Clinical Center, ChestX-ray14 (Wang et al. 2017), attribution",
    "kermany": "Kermany, Zhang and Goldbaum 2018, CC BY 4.0",
    "covid": "Cohen et al. 2020, only films under CC BY or Apache 2.0",
}

LIMITS = (
    "- The labels of nih were mined from reports by a program; those of kermany are of children of"
    " 1 to 5 years of one hospital.",
    "- A film unlike those it learnt from is marked, and everything is withheld. The mark is not a"
    " promise that what is accepted is read rightly.",
    "- At another hospital the probability may be off, and the share of films called opaque too.",
    "- No film of hannover teaches (nobody described them), nor any under NC or SA terms.",
    "- The heat map shows what the model used, not what is true.",
)


def _rows(said: Said) -> Sequence[str]:
    rows = []
    for name, (odds, labels) in said.items():
        own = calibration.fit_support(odds, labels)
        rows.append(f"| {name} | {len(labels)} | {own.auroc:.3f} | {own.low:.3f} |")
    return rows
