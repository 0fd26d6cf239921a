"""Everything that a study says, as JSON-compatible values: `metrics.json`.

The report is written from these values alone, and the same trainings give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from clinical.evaluation import EvaluationConfig
from clinical.wording import RESEARCH_USE
from pipelines.folds import compare
from pipelines.folds.compare import CrossValidation
from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import OURS
from pipelines.folds.splits import Indices
from pipelines.statistics.sample_size import cox_snell_from_auroc, sample_size
from pipelines.study import examples, subgroup_columns
from pipelines.study.abstention import abstention
from pipelines.study.characteristics import characteristics
from pipelines.study.design import StudyDesign
from pipelines.study.discrimination import discrimination
from pipelines.study.fairness import Fairness, fairness
from pipelines.study.flow import LEARNT_FROM, TESTED_HERE, Flow
from pipelines.study.guards.guard import Finding
from pipelines.study.guards.run_all import findings_as_json
from pipelines.study.image_overlap_check import SameImages
from pipelines.study.learning_curve_section import sizes_and_fit
from pipelines.study.missing_inputs import stress_curves
from pipelines.study.predictions import judged_methods
from pipelines.study.thresholds import Chosen, comparators
from pipelines.study.usefulness import macro_operating, operating, probabilities, usefulness
from pipelines.study.verdict import fusion_verdict

FORMAT = "triptych.study-metrics/1"
PARAMETERS = (10, 20, 30)
"""Candidate predictors that a next study is planned for."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """What is known before anything is judged.

    Attributes:
        flow: the way of the cases into the split.
        checks: sentences on the disjointness of patients.
        images: of test cases among the training cases, or None.
        findings: of the guards; empty where they were switched off.
        facts: how images were made.
        left_out: what this study does not do besides, and why.
        named: columns of the cohort's own that patients are grouped by.
        ways: that of each of two cohorts, where one is learnt from and the other is tested.
    """

    flow: Flow
    checks: tuple[str, ...]
    images: SameImages | None
    findings: tuple[Finding, ...]
    facts: Mapping[str, Mapping[str, str]]
    left_out: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ways: Mapping[str, Flow] = field(default_factory=dict)


def judge(
    design: StudyDesign, tested: OutOfFold, chosen: Sequence[Chosen], gathered: Gathered
) -> tuple[dict[str, Any], Fairness]:
    """All figures of a study, and the groups that are not to be told.

    Args:
        design: of the study.
        tested: out of fold.
        chosen: thresholds and maps of every label.
        gathered: what is known besides.
    """
    study, evaluation = design.study, design.evaluation
    samples, seed = study.evaluation.bootstrap, study.seed
    result = compare.judge(tested, study)
    stated, missing = subgroup_columns.columns(
        tested.dataset, gathered.facts, gathered.named, evaluation
    )
    fair = fairness(tested, chosen, stated, samples=samples, seed=seed)
    macro, labels = discrimination(tested, result, judged_methods(tested), samples, seed)
    rivals = [c.second for c in result.comparisons if c.second != compare.ORACLE]
    found = {
        "notice": RESEARCH_USE,
        "format": FORMAT,
        "study": _study(design, tested, result),
        "verdict": asdict(fusion_verdict(result.comparisons, result.macro)),
        "flow": asdict(gathered.flow),
        "flows": {name: asdict(way) for name, way in gathered.ways.items()},
        "characteristics": characteristics(tested.dataset, _parts(design, tested)),
        "checks": _checks(gathered),
        "macro": macro,
        "macro_operating_point": macro_operating(tested, chosen, samples, seed),
        "labels": {
            name: {
                "methods": methods,
                **_use(design, tested, chosen, rivals, j),
                "comparators": _rivals(design, tested, rivals, j),
                "next_study": _next_study(methods[OURS]["auroc"]),
            }
            for j, (name, methods) in enumerate(labels.items())
        },
        **_comparison(result),
        "subgroups": {k: v for k, v in asdict(fair).items() if k != "suppressed"},
        "suppressed": _suppressed(fair),
        "abstention": abstention(tested, samples=samples, seed=seed),
        "stress": stress_curves(tested, [OURS, *rivals], samples=samples, seed=seed),
        "learning_curve": sizes_and_fit(tested, samples=samples, seed=seed),
        "examples": examples.as_json(examples.pick(tested, chosen)),
        "guards": findings_as_json(gathered.findings),
        "not_done": _not_done(evaluation, tested, gathered, missing),
    }
    return plain(found), fair


def _use(
    design: StudyDesign,
    tested: OutOfFold,
    chosen: Sequence[Chosen],
    rivals: Sequence[str],
    column: int,
) -> dict[str, Any]:
    """Operating point, calibration and decision curves of one label."""
    samples, seed = design.study.evaluation.bootstrap, design.study.seed
    shown = probabilities(tested, chosen, rivals, column)
    labels, patients = tested.dataset.labels[:, column], tested.dataset.patients
    thresholds = design.evaluation.thresholds
    return {
        "operating_point": operating(tested, OURS, chosen[column], column, samples, seed),
        "use": usefulness(shown, labels, patients, thresholds, samples=samples, seed=seed),
    }


def _rivals(
    design: StudyDesign, tested: OutOfFold, rivals: Sequence[str], column: int
) -> dict[str, Any]:
    """Comparator to its operating point for one label, thresholds chosen as for the model."""
    samples, seed = design.study.evaluation.bootstrap, design.study.seed
    found = comparators(tested, rivals, design.evaluation.sensitivity, column)
    return {
        method: operating(tested, method, one, column, samples, seed)
        for method, one in found.items()
    }


def _study(design: StudyDesign, tested: OutOfFold, result: CrossValidation) -> dict[str, Any]:
    evaluation = design.study.evaluation
    return {
        "name": design.study.name,
        "diagnoses": list(tested.dataset.diagnoses),
        "cases": result.cases,
        "patients": result.patients,
        "split": "external" if design.external else evaluation.split,
        "inner": evaluation.inner,
        "folds": len(tested.folds[0]),
        "learnt": [len(fold.train) for fold in tested.folds[0]],
        "repeats": evaluation.repeats,
        "bootstrap": evaluation.bootstrap,
        "margin": evaluation.margin,
        "automl": evaluation.automl,
        "seed": design.study.seed,
        # A checkpoint carries its thresholds, whatever the study aims at.
        "target_sensitivity": None if design.checkpoint else design.evaluation.sensitivity,
        "guards": design.evaluation.guards,
    }


def _parts(design: StudyDesign, tested: OutOfFold) -> dict[str, Indices]:
    """What table 1 tells apart: learnt and tested cases where they are others, or all."""
    fold, *others = tested.folds[0]
    if others or not len(fold.train):
        return {"all": np.concatenate([one.test for one in tested.folds[0]])}
    learnt = LEARNT_FROM if design.external else "training"
    return {learnt: fold.train, TESTED_HERE: fold.test}


def _checks(gathered: Gathered) -> dict[str, Any]:
    images = gathered.images
    if images is None:
        return {"patients": list(gathered.checks), "images": None}
    kept = {"sentences": images.sentences, "exact": images.exact, "near": images.near}
    return {"patients": list(gathered.checks), "images": kept}


def _comparison(result: CrossValidation) -> dict[str, Any]:
    """What `pipelines.folds.compare` says beyond AUROC; times are the manifest's."""
    found = compare.to_json(result)
    names = ("comparisons", "removal", "coverage", "folds", "seeds", "ensemble", "best_single")
    return {name: found[name] for name in (*names, "validated", "gap_closed", "log_loss")}


def _suppressed(fair: Fairness) -> dict[str, int]:
    """Column to how many of its groups are named in `suppressed.csv` only."""
    names = [row["column"] for row in fair.suppressed]
    return {name: names.count(name) for name in sorted(set(names))}


def _next_study(area: Mapping[str, Any]) -> dict[str, Any]:
    """Patients that a next study needs by Riley's criteria, if it discriminates as this one."""
    value, cases = area["value"], area["cases"]
    if value is None or not 0.5 < value < 1:
        why = "not defined" if value is None else f"{value:.3f}"
        return {"because": f"AUROC is {why}; a size needs one between 0.5 and 1", "sizes": {}}
    prevalence = area["positives"] / cases
    share = cox_snell_from_auroc(value, prevalence)
    sizes = {str(n): asdict(sample_size(prevalence, n, share)) for n in PARAMETERS}
    return {"because": "", "prevalence": prevalence, "auroc": value, "sizes": sizes}


def _not_done(
    evaluation: EvaluationConfig, tested: OutOfFold, gathered: Gathered, missing: Mapping[str, str]
) -> list[dict[str, str]]:
    found: dict[str, str] = {}
    if not evaluation.stress:
        found["missingness stress curves"] = "switched off in [evaluation]"
    if not evaluation.learning_curve:
        found["learning curve"] = "switched off in [evaluation]"
    for name, why in missing.items():
        found[f"subgroups by {name}"] = why
    if not evaluation.guards:
        found["guards against shortcuts and leaks"] = "switched off in [evaluation]"
    if gathered.images is None:
        found["identical images across the split"] = "no case has an image"
    patients = tested.dataset.patients
    if len(set(patients)) < len(patients):
        found["DeLong intervals"] = "patients have several cases, which DeLong takes as independent"
    if len(tested.folds) > 1:
        found["operating points, calibration, subgroups of later repeats"] = (
            "these figures are of the first repeat; AUROC and average precision are of all"
        )
    found |= gathered.left_out
    return [{"what": what, "because": why} for what, why in found.items()]


def plain(value: Any) -> Any:
    """JSON-compatible values; what is not finite becomes null."""
    match value:
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case np.generic():
            return plain(value.item())
        case float():
            return value if np.isfinite(value) else None
        case _:
            return value
