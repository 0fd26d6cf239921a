"""Does the image show where or how it was made, and does that predict the label?

Networks read the hospital and the device off an image and predict with them (Zech et al. 2018, PLoS
Medicine 15:e1002683; DeGrave, Janizek and Lee 2021, Nature Machine Intelligence 3:610-619). Two
things together make a shortcut, and neither alone does:

1. *visible*: the groups (sites, views, detectors) are told apart from the image embedding, mean
   AUROC above 0.9. Any two real hospitals can: their devices and their processing differ;
2. *carried*: the group alone, without an image, predicts the label: AUROC above 0.6 with the low
   end of its interval above 0.55. Hospitals differ a little in prevalence, which alone gives
   about 0.55, and a model can gain no more from the group than the group itself knows. One small
   group hardly moves an AUROC, so a label is also carried where its prevalence in one group
   differs by more than 0.3 from that in all others (low end above 0.2).

The guard fires where both hold. A projection (AP or PA) is held to the stricter AUROC of 0.65 and
0.6: sicker patients are radiographed in bed everywhere, so the view always reflects some severity,
which is known at the decision and honest; beyond that it stands in for the label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from clinical.case.case import Case
from pipelines.folds.tabular import vectors
from pipelines.statistics.metrics import (
    Interval,
    Weights,
    bootstrap_weights,
    interval,
    weighted_sums,
)
from pipelines.study.guards.guard import (
    ALONE_AUROC,
    SURELY_AUROC,
    Finding,
    GuardResult,
    Skipped,
    clears,
)
from pipelines.study.guards.out_of_fold import (
    Judging,
    Values,
    group_auroc,
    group_scores,
    label_auroc,
    table_scores,
    too_few,
)
from pipelines.training.dataset import Dataset
from pipelines.training.masks import IMAGE

NAME = "acquisition"
SITE, VIEW, FIELD = "site", "view", "field"
VISIBLE_AUROC = 0.9
CARRIED_AUROC, SURELY_CARRIED_AUROC = 0.6, 0.55
LOPSIDED, SURELY_LOPSIDED = 0.3, 0.2
SMALLEST_GROUP = 20
"""Cases; smaller groups are taken together."""

OTHERS = "(small groups)"

Facts = Mapping[str, Mapping[str, str]]
"""Fact ("view", "scanner") to case to group; a case that is not in it is not known."""


def facts_of(cases: Iterable[Case]) -> Facts:
    """What whole cases say of how their image was made: its view, and its field in whole cm.

    Args:
        cases: with their arrays, as a reader yields them; only one is held at a time.
    """
    found: dict[str, dict[str, str]] = {VIEW: {}, FIELD: {}}
    for case in cases:
        if IMAGE not in case.inputs:
            continue
        image = case.inputs[IMAGE].arrays[0]
        if image.source.get("ViewPosition"):
            found[VIEW][case.case_id] = image.source["ViewPosition"].upper()
        if image.spacing is not None:
            sides = [n * mm / 10 for n, mm in zip(image.values.shape, image.spacing, strict=True)]
            found[FIELD][case.case_id] = " x ".join(f"{side:.0f}" for side in sides) + " cm"
    return found


def acquisition(
    dataset: Dataset, facts: Facts | None = None, judging: Judging | None = None
) -> tuple[Finding, ...]:
    """One finding for the site, and one for each fact.

    `estimate` is how visible the groups are; `figures` say how much of each diagnosis they carry.

    Args:
        dataset: with images as frozen features.
        facts: further groups of cases, for example from `facts_of`.
        judging: folds, bootstrap samples and seed.
    """
    judging = judging or Judging()
    sites = {c.case.case_id: c.case.site for c in dataset.cases if c.case.site}
    everything: Facts = {SITE: sites, **(facts or {})}
    here = np.array([IMAGE in cached.images for cached in dataset.cases], dtype=bool)
    if not here.any():
        return tuple(Skipped(NAME, fact, "no case has an image") for fact in everything)
    rows = vectors(dataset.cases, [IMAGE]).embeddings[IMAGE]
    return tuple(_fact(dataset, rows, here, fact, everything[fact], judging) for fact in everything)


def _fact(
    dataset: Dataset,
    rows: Values,
    here: NDArray[np.bool_],
    fact: str,
    group_of: Mapping[str, str],
    judging: Judging,
) -> Finding:
    stated = [group_of.get(c.case.case_id, "") for c in dataset.cases]
    kept = np.flatnonzero(here & np.array([bool(group) for group in stated]))
    groups = _merged([stated[i] for i in kept])
    patients = [dataset.patients[i] for i in kept]
    sizes = Counter(groups)
    if len(sizes) < 2:
        return Skipped(NAME, fact, f"fewer than two groups of {SMALLEST_GROUP} cases with an image")
    people = {
        group: {p for p, g in zip(patients, groups, strict=True) if g == group} for group in sizes
    }
    if min(map(len, people.values())) < judging.folds:
        return Skipped(NAME, fact, f"a group has fewer than {judging.folds} patients")
    scores, belongs = group_scores(rows[kept], groups, patients, judging)
    visible = group_auroc(scores, belongs, patients, judging)
    carried = {
        name: _carried(belongs, label, patients, judging)
        for name, label in zip(dataset.diagnoses, dataset.labels[kept].T, strict=True)
        if not too_few(label, patients, judging)
    }
    if visible.value is None or not carried:
        return Skipped(NAME, fact, "no diagnosis has enough cases with and without it")
    return _result(fact, visible, carried, dict(sorted(sizes.items())))


def _merged(groups: Sequence[str]) -> list[str]:
    """Groups with the small ones taken together; what is still small then joins the smallest."""
    counts = Counter(groups)
    large = {group for group, count in counts.items() if count >= SMALLEST_GROUP}
    merged = [group if group in large else OTHERS for group in groups]
    if 0 < merged.count(OTHERS) < SMALLEST_GROUP and large:
        host = min(large, key=lambda group: (counts[group], group))
        merged = [host if group == OTHERS else group for group in merged]
    return merged


def _carried(
    belongs: Values, label: Values, patients: Sequence[str], judging: Judging
) -> tuple[Interval, Interval]:
    """AUROC of a label from the group alone, and its widest difference in prevalence."""
    scores = table_scores(belongs, label, patients, judging)
    alone = label_auroc(scores, label, patients, judging)
    return alone, widest_difference(belongs, label, patients, judging)


def widest_difference(
    belongs: Values, label: Values, patients: Sequence[str], judging: Judging
) -> Interval:
    """Difference in prevalence between the most unlike group and all others, as a positive number.

    Args:
        belongs: membership of each group [cases, groups], 0 or 1.
        label: [cases]; 1, 0 or NaN.
        patients: of every case.
        judging: bootstrap samples and seed.
    """
    known = ~np.isnan(label)
    inside, y = belongs[known], label[known]
    people = np.asarray(patients)[known].tolist()
    found = _differences(np.ones((1, len(y)), dtype=np.uint8), inside, y)[0]
    if np.isnan(found).all():
        return Interval(None, None, None, len(y), int(y.sum()))
    group = int(np.nanargmax(np.abs(found)))
    weights = bootstrap_weights(people, judging.samples, judging.seed)
    drawn = _differences(weights, inside[:, [group]], y)[:, 0] * np.sign(found[group])
    return interval(float(abs(found[group])), drawn, len(y), int(y.sum()))


def _differences(weights: Weights, inside: Values, label: Values) -> Values:
    """Prevalence in each group minus that in all others [samples, groups]; NaN where empty."""
    number = weighted_sums(weights, inside)
    positive = weighted_sums(weights, label[:, None] * inside)
    others = weights.sum(axis=1, keepdims=True) - number
    rest = weighted_sums(weights, label)[:, None] - positive
    defined = (number > 0) & (others > 0)
    own = positive / np.where(defined, number, 1)
    return np.where(defined, own - rest / np.where(defined, others, 1), np.nan)


def _result(
    fact: str,
    visible: Interval,
    carried: Mapping[str, tuple[Interval, Interval]],
    sizes: Mapping[str, int],
) -> GuardResult:
    limits = (ALONE_AUROC, SURELY_AUROC) if fact == VIEW else (CARRIED_AUROC, SURELY_CARRIED_AUROC)
    # Not the interval's low end: a visible group is no fault, so nothing is claimed by it alone.
    seen = clears(visible, VISIBLE_AUROC, 0.5)
    told = [
        name
        for name, (alone, widest) in carried.items()
        if clears(alone, *limits) or clears(widest, LOPSIDED, SURELY_LOPSIDED)
    ]
    figures = {}
    for name, (alone, widest) in carried.items():
        figures[f"AUROC, {fact} alone to {name}"] = alone
        figures[f"{name}, widest difference in prevalence"] = widest
    measure, fires = "mean AUROC, image to group", seen and bool(told)
    sentence = _sentence(fact, seen, told)
    return GuardResult(NAME, fact, measure, visible, VISIBLE_AUROC, fires, sentence, figures, sizes)


def _sentence(fact: str, seen: bool, told: Sequence[str]) -> str:
    names = ", ".join(told)
    if seen and told:
        return (
            f"The image shows the {fact}, and the {fact} alone predicts {names}: a model may have"
            f" learnt the {fact} in place of the disease."
        )
    if told:
        return f"The {fact} alone predicts {names}, but the image does not clearly show the {fact}."
    if seen:
        return f"The image shows the {fact}, but the {fact} alone predicts no diagnosis well."
    return f"The image does not clearly show the {fact}, and the {fact} predicts no diagnosis well."
