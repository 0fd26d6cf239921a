"""What a fold's model predicts for cases: calibrated probabilities and prediction sets.

With all inputs, with each modality alone, and with each one hidden. In a batch the last bits depend
on who else is in it; what a finished model says of a case by itself is `study.case_scores`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from clinical.model import calibration
from clinical.model.calibration import Pattern
from clinical.model.model import Model
from pipelines.folds.methods import AS_THEY_ARE, OURS, alone, hidden
from pipelines.training.calibrated import calibrated
from pipelines.training.fit import PreparedCase, predict_patterns

Values = NDArray[np.float64]


def scores_and_sets(
    model: Model, cases: Sequence[PreparedCase]
) -> tuple[dict[str, Values], dict[str, Values]]:
    """Method to probabilities, and pattern to membership of the prediction set.

    Args:
        model: of a checkpoint.
        cases: prepared for it.

    Returns:
        Probabilities [cases, diagnoses], NaN where a method has nothing to go by; and, for
        AS_THEY_ARE and every availability pattern (others hidden), membership [cases, diagnoses] as
        1 or 0, NaN where a case lacks a modality of the pattern or the model has no rule.
    """
    used = patterns_of(cases)
    shown = [(), *calibration.patterns(model.specs)]
    logits = dict(zip(shown, predict_patterns(model.network, cases, shown), strict=True))
    return _scores(model, logits, used), _sets(model, logits, used)


def patterns_of(cases: Sequence[PreparedCase]) -> list[Pattern]:
    """The modalities that each case has."""
    return [tuple(name for name in case if case[name].sources) for case in cases]


def _scores(
    model: Model, logits: Mapping[Pattern, Values], used: Sequence[Pattern]
) -> dict[str, Values]:
    names = tuple(model.specs)
    methods: dict[str, Pattern] = {OURS: names}
    methods |= {alone(name): (name,) for name in names}
    methods |= {hidden(name): tuple(n for n in names if n != name) for name in names}
    found = {}
    for method, pattern in methods.items():
        left = [tuple(name for name in case if name in pattern) for case in used]
        scores = calibrated(model.support, model.diagnoses, logits[tuple(sorted(pattern))], left)
        if method != OURS and len(pattern) == 1:
            scores[[not names for names in left]] = np.nan
        found[method] = scores
    return found


def _sets(
    model: Model, logits: Mapping[Pattern, Values], used: Sequence[Pattern]
) -> dict[str, Values]:
    found = {AS_THEY_ARE: _members(model, logits[tuple(sorted(model.specs))], used)}
    for pattern in calibration.patterns(model.specs):
        left = [pattern if set(pattern) <= set(names) else () for names in used]
        found[calibration.pattern_key(pattern)] = _members(model, logits[pattern], left)
    return found


def _members(model: Model, logits: Values, used: Sequence[Pattern]) -> Values:
    probabilities = calibrated(model.support, model.diagnoses, logits, used)
    members = np.full_like(probabilities, np.nan)
    for row, names in enumerate(used):
        rule = model.set_rules.get(calibration.pattern_key(names))
        if rule is not None:
            cuts = [rule.cuts[name] for name in model.diagnoses]
            members[row] = probabilities[row] >= cuts
    return members


def validated(model: Model) -> dict[str, float]:
    """Each modality alone to its mean AUROC on the validation patients of the training."""
    found = {}
    for name in model.specs:
        areas = [row.auroc for row in model.support[name].values() if row.auroc is not None]
        if areas:
            found[alone(name)] = float(np.mean(areas))
    return found
