"""The figures of a made-up study, in the form of metrics.json, and the parts that may be absent."""

from __future__ import annotations

from typing import Any

NOTHING: dict[str, Any] = {"value": None, "low": None, "high": None, "cases": 0, "positives": 0}
METHODS = ("triptych", "triptych: image alone", "late fusion")


def about(value: float, width: float = 0.03) -> dict[str, Any]:
    """An estimate with its interval."""
    low, high = value - width, value + width
    return {"value": value, "low": low, "high": high, "cases": 200, "positives": 60}


def metrics(*labels: str) -> dict[str, Any]:
    """A study of two sites without what later versions of metrics.json have."""
    names = labels or ("pneumonia",)
    return {
        "study": {
            "name": "made up",
            "cases": 200,
            "patients": 180,
            "split": "site",
            "folds": 2,
            "repeats": 1,
            "bootstrap": 1000,
            "margin": 0.01,
            "target_sensitivity": 0.9,
            "guards": True,
        },
        "verdict": {
            "worth_it": True,
            "sentence": "Fusion adds 0.050 [0.020, 0.080] AUROC.",
            "reasons": ["Against late fusion: +0.050 [+0.020, +0.080], better."],
        },
        "best_single": "triptych: image alone",
        "flow": {
            "listed": 200,
            "skipped": {},
            "read": {"cases": 200, "patients": 180},
            "steps": [],
            "chosen": {"cases": 200, "patients": 180},
            "left_out": {},
            "parts": [],
        },
        "checks": {"patients": ["site A: disjoint.", "2 folds: disjoint."], "images": None},
        "macro": {m: {"auroc": about(0.8), "average_precision": about(0.6)} for m in METHODS},
        "macro_operating_point": {"sensitivity": about(0.9)},
        "labels": {name: label() for name in names},
        "coverage": {"history+image": {"share": about(0.91), "size": 1.2}},
        "subgroups": {
            "groups": [group(name, *of) for name in names for of in GROUPS],
            "gaps": [],
            "unstated": {"sex": 3},
        },
        "suppressed": {"age": 1},
        "guards": guards(),
        "not_done": [{"what": "a thing", "because": "nobody asked"}],
    }


GROUPS = (("sex", "female"), ("sex", "male"), ("inputs", "image"), ("inputs", "history+image"))


def group(label_name: str, column: str, name: str) -> dict[str, Any]:
    """One group of patients."""
    return {
        "label": label_name,
        "column": column,
        "name": name,
        "patients": 90,
        "cases": 100,
        "positives": 30,
        "auroc": about(0.8),
        "calibration_error": about(0.05),
        "calibration_floor": 0.04,
        "calibration_slope": about(1.0),
        "true_positive_rate": about(0.9),
        "false_positive_rate": about(0.2),
    }


def operating_point() -> dict[str, Any]:
    """At thresholds of two folds."""
    rates = ("sensitivity", "specificity", "ppv", "npv", "alerts")
    threshold = {"value": 0.3, "rule": "highest with 0.9", "cases": 50, "positives": 20}
    return {
        **{name: about(0.9) for name in rates},
        "threshold": threshold,
        "thresholds": {"site A": threshold, "site B": threshold},
        "cases_without_threshold": 0,
    }


def label() -> dict[str, Any]:
    """All figures of one label."""
    judged = {
        "auroc": about(0.8),
        "delong": about(0.8),
        "average_precision": about(0.6),
        "roc": [[0.0, 0.0], [0.2, 0.7], [1.0, 1.0]],
    }
    net = [{"threshold": t, "model": about(0.3 - t), "treat_all": 0.3 - t} for t in (0.1, 0.2)]
    used = {
        "weak": {name: about(0.9) for name in ("slope", "intercept", "in_the_large")},
        "error": about(0.05),
        "error_floor": 0.04,
        "reliability": [{"predicted": 0.2, "observed": 0.1, "low": 0.0, "high": 0.3, "cases": 9}],
        "decision_curve": net,
    }
    return {
        "methods": dict.fromkeys(METHODS, judged),
        "operating_point": operating_point(),
        "use": dict.fromkeys((METHODS[0], "triptych, recalibrated", *METHODS[1:]), used),
        "next_study": {"because": "AUROC is not defined", "sizes": {}},
    }


def guards() -> list[dict[str, Any]]:
    """One that fires, one that does not, one that could not look."""
    heard = {
        "skipped": False,
        "guard": "notes_named",
        "subject": "pneumonia",
        "measure": "AUROC",
        "estimate": about(0.7),
        "threshold": 0.65,
        "fires": True,
        "sentence": "The note names it.",
    }
    silent = {**heard, "guard": "timestamps", "fires": False, "sentence": "Times tell nothing."}
    skipped = {"skipped": True, "guard": "identity", "subject": "image", "reason": "no image"}
    return [silent, heard, skipped]


def stress() -> list[dict[str, Any]]:
    """One modality that cases lose, and one whose items they lose."""
    points = [{"share": share, "auroc": about(0.8 - share / 5)} for share in (0.0, 0.5, 1.0)]
    return [
        {"what": what, "kind": kind, "method": method, "points": points}
        for what, kind in (("image", "modality"), ("history", "items"))
        for method in reversed(METHODS)
    ]


def learning_curve(because: str = "") -> dict[str, Any]:
    """Four sizes with a fit, or the reason why there is none."""
    sizes = (100, 200, 400, 800)
    areas = [0.9 - 2 * n**-0.5 for n in sizes]
    rates = {"asymptote": 0.1, "scale": 2.0, "rate": 0.5, "rate_low": 0.4, "rate_high": 0.7}
    none = dict.fromkeys(rates)
    return {
        "points": [
            {"fold": "site A", "share": n / 800, "patients": n, "auroc": area}
            for n, area in zip(sizes, areas, strict=True)
        ],
        "sizes": [
            {"patients": n, "auroc": about(area)} for n, area in zip(sizes, areas, strict=True)
        ],
        "fit": {
            **(none if because else rates),
            "largest": 800,
            "gain": NOTHING if because else about(0.021, 0.01),
            "because": because,
        },
    }


def examples(*labels: str) -> list[dict[str, Any]]:
    """One case of each kind."""
    return [
        {
            "kind": kind,
            "label": name,
            "probability": p,
            "threshold": 0.3,
            "alone": {"image": 0.4, "history": None},
        }
        for name in labels
        for kind, p in (("found", 0.9), ("missed", 0.1), ("false alarm", 0.8))
    ]


def beside_others() -> dict[str, Any]:
    """What a study of two folds, three seeds, an oracle and a missing input says of others."""
    difference = {"first": "triptych", "second": "late fusion", "verdict": "better"}
    area = {"triptych": 0.81, "late fusion": None}
    fold = {"learnt": 1100, "tested": 90, "removed": 2, "macro": area}
    return {
        "comparisons": [{**difference, "macro": about(0.05)}],
        "seeds": {"triptych": {"values": [0.8, 0.82], "mean": 0.81, "spread": 0.012}},
        "ensemble": about(0.83),
        "gap_closed": about(0.7),
        "folds": [{**fold, "name": name} for name in ("site A", "site B")],
        "removal": {"notes": {"macro": about(-0.01, 0.005), "verdict": "though lower"}},
    }
