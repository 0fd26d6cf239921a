"""What a finished study found, and how it was measured.

Every function gives sentences, or nothing where the study's files do not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clinical.evaluation import SITE
from clinical.model.calibration import COVERAGE
from clinical.wording import words
from pipelines.folds.methods import AS_THEY_ARE, OURS
from pipelines.reports.formatting import counted, interval, p_value, signed
from pipelines.study.checklists.finished import Finished, Row, each_label, listed, named
from pipelines.study.subgroup_columns import INPUTS
from pipelines.study.usefulness import RECALIBRATED

ALPHA = 0.05


def verdict(study: Finished) -> str:
    """Whether fusion is worth it."""
    return str(study.metrics["verdict"]["sentence"])


def measures(study: Finished) -> str:
    """What was measured."""
    curve = next((c for c in map(_curve, study.labels.values()) if c), [])
    use = (
        f"; decision curves at threshold probabilities {curve[0]['threshold']:g} to"
        f" {curve[-1]['threshold']:g}"
        if curve
        else ""
    )
    return (
        "Discrimination: ROC, AUROC, average precision. At the threshold: sensitivity, specificity,"
        " PPV, NPV, alerts per 100 patients. Calibration: slope, intercept, in the large,"
        f" calibration error, reliability curve{use}."
    )


def _curve(found: Row) -> Sequence[Row]:
    points: Sequence[Row] = found["use"][OURS]["decision_curve"]
    return points


def uncertainty(study: Finished) -> str:
    """Where intervals come from."""
    methods = [found["methods"][OURS] for found in study.labels.values()]
    delong = any(row["delong"]["value"] is not None for row in methods)
    return (
        f"95% intervals from {study.study['bootstrap']:,} patient-bootstrap samples"
        f"{', and DeLong for AUROC' if delong else ''}; comparisons are paired by patient, with a"
        f" margin of non-inferiority of {study.study['margin']} macro AUROC."
    )


def discrimination(study: Finished) -> str:
    """AUROC and average precision."""
    macro = study.metrics["macro"][OURS]
    own = {name: found["methods"][OURS] for name, found in study.labels.items()}
    mean = f"Macro AUROC {interval(macro['auroc'])}. " if len(own) > 1 else ""
    return f"{mean}{each_label(study, {name: _ranked(row) for name, row in own.items()})}."


def _ranked(row: Row) -> str:
    area, precision = interval(row["auroc"]), interval(row["average_precision"])
    return f"AUROC {area}, average precision {precision}"


def operating(study: Finished) -> str:
    """Sensitivity and the like."""
    every = {name: _operating(found["operating_point"]) for name, found in study.labels.items()}
    return f"At the threshold: {each_label(study, every)}."


def _operating(point: Row) -> str:
    if not point["thresholds"]:
        return "no threshold could be chosen"
    names = {"sensitivity": "sensitivity", "specificity": "specificity", "ppv": "PPV", "npv": "NPV"}
    shares = [f"{said} {interval(point[name])}" for name, said in names.items()]
    return f"{', '.join(shares)}, {interval(point['alerts'], 1)} alerts per 100 patients"


def crosstab(study: Finished) -> str:
    """Alerts by outcome."""
    every = {name: _crosstab(found["operating_point"]) for name, found in study.labels.items()}
    told = each_label(study, every)
    return f"Alerts by outcome: {told}." if told else ""


def _crosstab(point: Row) -> str:
    if not point["thresholds"]:
        return ""
    ill, well = point["sensitivity"], point["specificity"]
    return (
        f"{ill['positives']} true and {well['cases'] - well['positives']} false alerts,"
        f" {well['positives']} true and {ill['cases'] - ill['positives']} false all-clears"
    )


def calibration(study: Finished) -> str:
    """Slope, intercept and error."""
    return f"Calibration as shown: {_calibration(study, OURS)}."


def recalibrated(study: Finished) -> str:
    """The same after recalibration."""
    if not any(RECALIBRATED in found["use"] for found in study.labels.values()):
        return ""
    return f"Calibration after recalibration: {_calibration(study, RECALIBRATED)}."


def _calibration(study: Finished, method: str) -> str:
    def told(use: Mapping[str, Any]) -> str:
        weak = use["weak"]
        return (
            f"slope {interval(weak['slope'], 2)}, intercept {interval(weak['intercept'], 2)},"
            f" calibration error {interval(use['error'])}"
        )

    uses = {name: found["use"] for name, found in study.labels.items() if method in found["use"]}
    return each_label(study, {name: told(use[method]) for name, use in uses.items()})


def subgroups(study: Finished) -> str:
    """The lowest and the highest AUROC of all groups."""
    rows = [row for row in study.groups if row["column"] != INPUTS]
    return _span(study, rows, f"groups by {named(study.columns)}")


def by_inputs(study: Finished) -> str:
    """The same for the inputs that cases have."""
    rows = [row for row in study.groups if row["column"] == INPUTS]
    return _span(study, rows, "sets of inputs that cases have")


def by_site(study: Finished) -> str:
    """The same for sites."""
    rows = [row for row in study.groups if row["column"] == SITE]
    names = {row["name"] for row in rows}
    if len(names) == 1:
        return "One site is large enough to be judged, so nothing can be said of differences."
    return _span(study, rows, "sites")


def _span(study: Finished, rows: Sequence[Row], what: str) -> str:
    judged = [row for row in rows if row["auroc"]["value"] is not None]
    if not judged:
        return ""
    ordered = sorted(judged, key=lambda row: float(row["auroc"]["value"]))
    lowest, highest = _group(study, ordered[0]), _group(study, ordered[-1])
    told = lowest if len(ordered) == 1 else f"from {lowest} to {highest}"
    count = len({(row["column"], row["name"]) for row in judged})
    if count == 1:
        return f"AUROC: {told}; no other of the {what} is large enough."
    return f"AUROC over {count} {what}: {told}."


def _group(study: Finished, row: Row) -> str:
    whose = f"{words(row['label'])}, " if len(study.labels) > 1 else ""
    name = row["name"].replace("+", " + ")
    return f"{interval(row['auroc'])} ({whose}{row['column']}: {name})"


def by_fold(study: Finished) -> str:
    """How far folds differ."""
    found = [(fold["macro"][OURS], fold["name"]) for fold in study.metrics["folds"]]
    judged = [(value, name) for value, name in found if value is not None]
    if len(judged) < 2:
        return ""
    low, high = min(judged), max(judged)
    return (
        f"Macro AUROC of single folds: from {low[0]:.3f} ({low[1]}) to {high[0]:.3f} ({high[1]})."
    )


def inside(study: Finished) -> str:
    """Figures in the training cohort."""
    known = study.trains and not study.external
    return _figures(study) if known else ""


def elsewhere(study: Finished) -> str:
    """Figures at held-out sites, or in another cohort."""
    if study.external:
        return _figures(study)
    if study.study["split"] != SITE:
        return ""
    judged = [(fold["name"], fold["macro"][OURS]) for fold in study.metrics["folds"]]
    folds = [f"{name} {area:.3f}" for name, area in judged if area is not None]
    return f"Macro AUROC at held-out sites: {listed(folds)}." if folds else ""


def fair_inside(study: Finished) -> str:
    """Groups in the training cohort."""
    known = study.trains and not study.external
    return _fairness(study) if known else ""


def fair_elsewhere(study: Finished) -> str:
    """Groups in a cohort that was not learnt from."""
    return _fairness(study) if study.external else ""


def _figures(study: Finished) -> str:
    return f"{discrimination(study)} {operating(study)} {calibration(study)}"


def _fairness(study: Finished) -> str:
    return " ".join(text for text in (subgroups(study), gaps(study)) if text)


def more_patients(study: Finished) -> str:
    """What twice as many patients would buy."""
    fit = (study.metrics.get("learning_curve") or {}).get("fit")
    if fit is None or fit["rate"] is None:
        return ""
    return (
        f"Learning curve: {2 * fit['largest']:,} rather than {fit['largest']:,} patients would"
        f" change macro AUROC by {signed(fit['gain'])}, if it goes on as it does."
    )


def gap_method(study: Finished) -> str:
    """How fairness was assessed."""
    figures = list(dict.fromkeys(_figure(gap) for gap in _gaps(study)))
    columns = list(dict.fromkeys(str(gap["column"]) for gap in _gaps(study)))
    if not figures:
        return "Groups were examined, but no column has two that are large enough to compare."
    small = sum(study.metrics["suppressed"].values())
    return (
        f"Gaps in {named(figures)} between groups by {named(columns)}, p-values by permutation and"
        f" Holm over {counted(len(_gaps(study)), 'gap')}; groups too small to report: {small}."
    )


def gaps(study: Finished) -> str:
    """Gaps that are hardly chance."""
    found = _gaps(study)
    if not found:
        return "No column has two groups that are large enough to compare."
    sure = [gap for gap in found if gap["adjusted"] is not None and gap["adjusted"] < ALPHA]
    told = [_gap(study, gap) for gap in sorted(sure, key=lambda gap: -float(gap["size"]["value"]))]
    some = f": {listed(told)}" if told else ""
    number = f"{len(sure)} of {counted(len(found), 'gap')} between groups"
    return f"{number} below {ALPHA} after Holm{some}."


def _gaps(study: Finished) -> list[Row]:
    return [gap for gap in study.metrics["subgroups"]["gaps"] if gap["size"]["value"] is not None]


def _figure(gap: Row) -> str:
    return str(gap["figure"]).replace("auroc", "AUROC")


def _gap(study: Finished, gap: Row) -> str:
    whose = f"{words(gap['label'])}, " if len(study.labels) > 1 else ""
    return (
        f"{whose}{gap['column']}, {_figure(gap)} {interval(gap['size'])}, highest"
        f" {gap['highest']}, lowest {gap['lowest']}, p {p_value(gap['adjusted'])}"
    )


def sets(study: Finished) -> str:
    """Coverage of prediction sets."""
    found = study.metrics["coverage"].get(AS_THEY_ARE)
    if found is None:
        return ""
    return (
        f"Prediction sets that promise {COVERAGE:.0%}: all true diagnoses in the set in"
        f" {interval(found['share'])} of {counted(found['share']['cases'], 'case')}, mean size"
        f" {found['size']:.2f}."
    )


def guard_method(study: Finished) -> str:
    """Which guards were run."""
    rows = study.metrics["guards"]
    if not study.study["guards"]:
        return "Guards against shortcuts and leaks were switched off."
    looked = list(dict.fromkeys(str(row["guard"]) for row in rows if not row["skipped"]))
    skipped = sum(row["skipped"] for row in rows)
    return (
        f"Guards against shortcuts and leaks that were run: {named(looked)};"
        f" {counted(skipped, 'question')} could not be answered."
    )


def guards(study: Finished) -> str:
    """Guards that fired."""
    if not study.study["guards"]:
        return "Guards against shortcuts and leaks were switched off."
    fired = [str(row["sentence"]) for row in study.metrics["guards"] if row.get("fires")]
    if not fired:
        return "No guard against shortcuts and leaks fired, which proves nothing."
    return f"{counted(len(fired), 'guard')} against shortcuts and leaks fired: {' '.join(fired)}"


def next_study(study: Finished) -> str:
    """Patients that a next study needs."""
    every = {name: _next(found["next_study"]) for name, found in study.labels.items()}
    told = each_label(study, every)
    return (
        f"A next study needs by Riley's criteria (for regression, a floor): {told}." if told else ""
    )


def _next(found: Row) -> str:
    sizes = [
        f"{counted(size['needed'], 'patient')} for {n} parameters"
        for n, size in found["sizes"].items()
    ]
    return ", ".join(sizes)


def limits(study: Finished) -> str:
    """What the study does not say."""
    undone = [f"{row['what']} ({row['because']})" for row in study.metrics["not_done"]]
    told = f"Not done: {'; '.join(undone)}. " if undone else ""
    cohorts = "Two cohorts" if study.external else "One cohort"
    return f"{told}{cohorts}; another hospital or device may give different figures."
