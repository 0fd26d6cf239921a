"""What a study keeps of one case and a model: facts, probabilities, sets, and what is withheld.

All of it is what an assessment of the case says (`clinical.assess.assess.Assessor.score`), to the
last bit; only sets with further inputs hidden are asked for besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clinical.assess.assess import Assessor, Scores
from clinical.case.case import Case
from clinical.modalities.kit import person
from clinical.model import calibration
from clinical.model.calibration import Pattern
from pipelines.assessing.runner import Found, assessor_of
from pipelines.folds.methods import AS_THEY_ARE, OURS, alone, hidden
from pipelines.study import case_facts
from pipelines.training.dataset import cache_images
from pipelines.training.train import prepare_cached

Line = list[Any]
"""One value for each diagnosis of the model, in its order; None where there is none."""


@dataclass(frozen=True)
class Scored:
    """A case is scored, its frozen features kept on disk.

    Attributes:
        model: folder of the checkpoint.
        features: folder of frozen features.
    """

    model: Path
    features: Path

    @contextmanager
    def open(self) -> Iterator[Callable[[Case], Found]]:
        """The model."""
        assessor = assessor_of(self.model)

        def find(case: Case) -> Found:
            cached = cache_images(case, assessor.model.study, self.features, 0)
            prepared = prepare_cached(cached, assessor.model.specs)[0]
            images = frozenset(cached.images) & set(assessor.model.specs)
            return {
                "facts": case_facts.facts(case, images),
                **told(assessor, assessor.score(prepared, age_years=person(case).age_years)),
            }

        yield find


def told(assessor: Assessor, found: Scores) -> dict[str, Any]:
    """What a model says of one case.

    Returns:
        `scores`: method to probabilities; `in_set`: AS_THEY_ARE and every availability pattern
        (others hidden) to membership of the prediction set, 1 or 0; `withheld`: why a reader is not
        shown a suggestion; `outside`: how the case is unlike those that were learnt from.
    """
    names = assessor.model.diagnoses
    own = {suggestion.diagnosis: suggestion for suggestion in found.suggestions}
    return {
        "scores": _scores(assessor, found),
        "in_set": _sets(assessor, found),
        "withheld": [own[name].withheld_because for name in names],
        "outside": list(found.outside.reasons) if found.outside.flagged else None,
    }


def _scores(assessor: Assessor, found: Scores) -> dict[str, Line]:
    diagnoses, modalities = assessor.model.diagnoses, tuple(assessor.model.specs)
    nothing: Line = [None] * len(diagnoses)
    # Of two modalities, the model without one is the other alone, which may have nothing to say.
    silent = len(modalities) == 2

    def line(told: Mapping[str, float]) -> Line:
        return [told[name] for name in diagnoses]

    ours = line({suggestion.diagnosis: suggestion.probability for suggestion in found.suggestions})
    scores = {OURS: ours}
    for name in modalities:
        scores[alone(name)] = line(found.ledger.alone[name]) if name in found.used else nothing
    for name in modalities:
        left = [other for other in found.used if other != name]
        if name not in found.used:
            scores[hidden(name)] = nothing if silent and not left else ours
        elif left:
            scores[hidden(name)] = line(found.ledger.without[name])
        else:
            (bare,) = assessor.probabilities(found, [()])
            scores[hidden(name)] = nothing if silent else line(bare)
    return scores


def _sets(assessor: Assessor, found: Scores) -> dict[str, Line]:
    model, used = assessor.model, tuple(sorted(found.used))
    diagnoses, nothing = model.diagnoses, [None] * len(model.diagnoses)
    own = {suggestion.diagnosis: suggestion.in_set for suggestion in found.suggestions}
    as_they_are: Line = [None if own[n] is None else float(bool(own[n])) for n in diagnoses]
    known: dict[Pattern, Mapping[str, float]] = {}
    for name, row in found.ledger.alone.items():
        known[name,] = row
    for name, row in found.ledger.without.items():
        known.setdefault(tuple(other for other in used if other != name), row)
    wanted = [
        pattern
        for pattern in calibration.patterns(model.specs)
        if set(pattern) < set(used) and pattern not in known
    ]
    known |= dict(zip(wanted, assessor.probabilities(found, wanted), strict=True))
    sets: dict[str, Line] = {AS_THEY_ARE: as_they_are}
    for pattern in calibration.patterns(model.specs):
        key = calibration.pattern_key(pattern)
        rule = None if found.too_far else model.set_rules.get(key)
        if pattern == used:
            sets[key] = as_they_are
        elif rule is None or pattern not in known:
            sets[key] = nothing
        else:
            sets[key] = [float(known[pattern][name] >= rule.cuts[name]) for name in diagnoses]
    return sets
