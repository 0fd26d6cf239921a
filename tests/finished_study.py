"""A finished study, small and written by hand: two diagnoses, one of them too rare to be judged."""

from __future__ import annotations

from typing import Any

from pipelines.folds.compare import ORACLE
from pipelines.folds.methods import OURS
from pipelines.study.usefulness import RECALIBRATED

Json = dict[str, Any]


def interval(value: float | None, cases: int = 0, positives: int = 0) -> Json:
    """An estimate with an interval of 0.1 to either side."""
    low, high = (None, None) if value is None else (round(value - 0.1, 3), round(value + 0.1, 3))
    return {"value": value, "low": low, "high": high, "cases": cases, "positives": positives}


def label(area: float | None, alerts: bool) -> Json:
    """Figures of one label; without `alerts` no threshold could be chosen."""
    share = area if alerts else None
    method = {
        "auroc": interval(area, 40, 10),
        "delong": interval(None),
        "average_precision": interval(area, 40, 10),
        "roc": [[0, 0], [1, 1]],
    }
    cut = {"value": 0.25, "rule": "of its fold", "cases": 20, "positives": 5}
    fitted = {"chosen": {"kind": "platt", "numbers": [1.0, 0.0]}, "losses": {}, "left_out": {}}
    use = {
        "weak": {name: interval(share) for name in ("slope", "intercept", "in_the_large")},
        "error": interval(share),
        "error_floor": 0.1,
        "reliability": [],
        "decision_curve": [{"threshold": 0.1}, {"threshold": 0.3}] if alerts else [],
    }
    return {
        "methods": {OURS: method, "late fusion": method},
        "operating_point": {
            "threshold": cut,
            "thresholds": {"fold 1": cut, "fold 2": {**cut, "value": 0.75}} if alerts else {},
            "maps": {"fold 1": fitted, "fold 2": fitted} if alerts else {},
            "cases_without_threshold": 0 if alerts else 40,
            "sensitivity": interval(share, 10, 8),
            "specificity": interval(share, 30, 27),
            "ppv": interval(share, 11, 8),
            "npv": interval(share, 29, 27),
            "alerts": interval(share, 40, 11),
        },
        "use": {OURS: use, RECALIBRATED: use, "late fusion": use},
        "next_study": {"because": "", "sizes": {"10": {"needed": 1200}} if alerts else {}},
    }


def group(column: str, name: str, area: float) -> Json:
    """One group of patients of the first label."""
    rates = ("true_positive_rate", "false_positive_rate", "calibration_error", "calibration_slope")
    found = {rate: interval(0.5) for rate in rates}
    owned = {"label": "heart_failure", "column": column, "name": name, "patients": 20}
    return {**owned, "auroc": interval(area, 20, 5), "calibration_floor": 0.1, **found}


def gap(figure: str, size: float | None, adjusted: float | None) -> Json:
    """A gap between women and men."""
    ends = {"highest": "male", "lowest": "female"}
    owned = {"label": "heart_failure", "column": "sex", "figure": figure}
    return {**owned, "size": interval(size), **ends, "p": adjusted, "adjusted": adjusted}


def metrics() -> Json:
    """`metrics.json` of the study."""
    counts = {"cases": 40, "patients": 39}
    shares = {
        "heart_failure": {"positive": 5, "known": 20},
        "rare": {"positive": 0, "known": 19},
    }
    one = {"cases": 20, "patients": 20}
    parts = [{"name": f"fold {n}, tested", "counts": one, "labels": shares} for n in (1, 2)]
    rule = {"name": "adults", "kind": "include", "condition": "age 18 to 120"}
    removed = {"cases": 3, "patients": 3}
    step = {**rule, "before": {"cases": 43, "patients": 42}, "removed": removed, "left": counts}
    comparison = {"first": OURS, "macro": interval(0.2), "labels": {}, "margin": 0.01}
    fired = {"guard": "missingness", "subject": "rare", "measure": "AUROC", "threshold": 0.65}
    return {
        "notice": "Research use only. Not a medical device.",
        "format": "triptych.study-metrics/1",
        "study": {
            "name": "two of them",
            "diagnoses": ["heart_failure", "rare"],
            **counts,
            "split": "patient",
            "folds": 2,
            "repeats": 1,
            "bootstrap": 1000,
            "margin": 0.01,
            "seed": 3,
            "target_sensitivity": 0.9,
            "guards": True,
        },
        "verdict": {
            "worth_it": True,
            "sentence": "Fusion adds AUROC: +0.200 [+0.100, +0.300] over late fusion.",
            "simpler": "",
            "reasons": [],
        },
        "flow": {
            "listed": 45,
            "skipped": {"the file is broken": 2},
            "read": {"cases": 43, "patients": 42},
            "steps": [{**step, "unjudged": 1}],
            "chosen": counts,
            "left_out": {},
            "parts": parts,
        },
        "checks": {
            "patients": ["fold 1: ...", "2 folds: 40 of 40 cases tested, each once."],
            "images": {"sentences": [], "exact": 1, "near": 0},
        },
        "macro": {OURS: {"auroc": interval(0.8), "average_precision": interval(0.7)}},
        "macro_operating_point": {},
        "labels": {"heart_failure": label(0.8, alerts=True), "rare": label(None, alerts=False)},
        "comparisons": [
            {**comparison, "second": "late fusion", "verdict": "better"},
            {**comparison, "second": ORACLE, "verdict": "worse"},
        ],
        "coverage": {"as they are": {"share": interval(0.9, 10), "size": 1.25}},
        "folds": [
            {"name": "fold 1", "learnt": 20, "tested": 20, "removed": 0, "macro": {OURS: 0.75}},
            {"name": "fold 2", "learnt": 19, "tested": 20, "removed": 0, "macro": {OURS: 0.85}},
        ],
        "ensemble": interval(0.8),
        "subgroups": {
            "groups": [
                group("sex", "female", 0.7),
                group("sex", "male", 0.9),
                group("site", "north", 0.75),
                group("site", "south", 0.85),
                group("inputs", "history+image", 0.8),
            ],
            "gaps": [gap("auroc", 0.2, 0.03), gap("true positive rate", 0.1, 0.4)],
            "unstated": {"sex": 0, "site": 2},
        },
        "suppressed": {"site": 1},
        "guards": [
            {**fired, "skipped": False, "estimate": interval(0.8), "fires": True}
            | {"sentence": "rare can be told from what is missing."},
            {"guard": "timestamps", "subject": "rare", "skipped": True, "reason": "no times"},
        ],
        "not_done": [{"what": "learning curve", "because": "it needs more trainings"}],
    }


def manifest() -> Json:
    """`manifest.json` of the study."""
    return {
        "notice": "Research use only. Not a medical device.",
        "format": "triptych.study/1",
        "study": {
            "name": "two of them",
            "file_sha256": "f" * 64,
            "config_sha256": "c" * 64,
            "settings": {
                "model": {"modalities": {}, "width": 48, "image_size": 384},
                "training": {"epochs": 40, "augmentations": 1, "soft_targets": False},
            },
        },
        "cohort": {
            "name": "Clinic of two",
            "source": "made by hand",
            "licence": "CC0-1.0",
            "reader": "folder",
            "read_sha256": "a" * 64,
            "selected_sha256": "b" * 64,
        },
        "code": {"version": "0.1.0", "sha256": "d" * 64, "commit": "e" * 40, "modified": True},
        "environment": {"python": "3.11.7", "system": "Linux", "machine": "x86_64", "torch": "2"},
        "seeds": {"study": 3, "repeats": 1},
        "inputs": {"history": 40, "image": 31},
        "counts": {
            "read": 43,
            "skipped": 2,
            "set aside": 4,
            "selected cases": 40,
            "selected patients": 39,
        },
        "files": {
            "metrics.json": {"sha256": "1" * 64},
            "predictions.parquet": {"sha256": "2" * 64},
        },
        "derived": [],
        "times": {"judge": 1.0},
    }
