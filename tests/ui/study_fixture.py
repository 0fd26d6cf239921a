"""A folder of finished studies to open: made-up figures, and predictions of the fixture's cases."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from study_metrics import metrics

from ui.state.studies import FIGURES_FORMAT, FORMAT

LABEL = "heart_failure"
# case, positive, alert, probability; CASE-001 to CASE-003 are in the fixture's workspace
CASES = (
    ("CASE-001", True, True, 0.93),
    ("CASE-002", True, False, 0.04),
    ("CASE-003", False, True, 0.81),
    ("elsewhere-1", True, True, 0.97),
    ("elsewhere-2", False, False, 0.02),
)
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30">'
    '<rect width="40" height="30" fill="#1f5f7a"/></svg>'
)


def make_studies(root: Path) -> Path:
    """`root` with one finished study, one that is of another format, and a folder of neither."""
    study = root / "made-up"
    (study / "figures").mkdir(parents=True)
    whole = {**metrics(LABEL, "sepsis"), "format": FORMAT}
    (study / "metrics.json").write_text(json.dumps(whole))
    said = {
        "figures/1-heart-failure-roc.svg": ("ROC curves of heart failure", 400),
        "figures/1-heart-failure-groups.svg": ("AUROC of heart failure in groups", 760),
        "figures/2-sepsis-roc.svg": ("ROC curves of sepsis", 400),
        "figures/missingness.svg": ("AUROC by inputs <b>", 864),
        "flow.svg": ("Flow of cases", 900),
    }
    for name in said:
        (study / name).write_text(DRAWING)
    known = {name: {"words": words, "width": width} for name, (words, width) in said.items()}
    (study / "figures.json").write_text(json.dumps({"format": FIGURES_FORMAT, "figures": known}))
    table().to_parquet(study / "predictions.parquet")
    (root / "older").mkdir()
    (root / "older" / "metrics.json").write_text('{"format": "triptych.study-metrics/0"}')
    (root / "notes").mkdir()
    return root


def table() -> pd.DataFrame:
    """predictions.parquet: the model, one input alone, a comparator, and a second repeat."""
    rows = [
        {
            "case_id": case_id,
            "patient_id": f"p-{case_id}",
            "label": LABEL,
            "method": method,
            "repeat": repeat,
            "boolean_value": positive,
            "predicted_boolean_probability": probability * share,
            "predicted_boolean_value": alert if method == "triptych" and not repeat else None,
        }
        for case_id, positive, alert, probability in CASES
        for method, share in (("triptych", 1.0), ("triptych: image alone", 0.5), ("boosting", 0.1))
        for repeat in (0, 1)
    ]
    return pd.DataFrame(rows)
