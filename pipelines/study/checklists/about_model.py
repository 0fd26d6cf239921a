"""What a finished study knows about its model, settings and software.

Every function gives sentences, or nothing where the study's files do not know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from clinical.modalities.radiograph.rows import DEFAULT_SIDE
from pipelines.folds.compare import ORACLE
from pipelines.reports.formatting import counted, interval
from pipelines.study.checklists.finished import Finished, each_label, named, settings
from pipelines.study.sections.whole import SPLITS

PREDICTIONS = "predictions.parquet"
VERSIONS = ("python", "torch", "monai", "scikit-learn", "numpy", "scipy", "pandas", "pyarrow")


def model_name(study: Finished) -> str:
    """What the model is called."""
    return f"Triptych, study “{study.study['name']}”."


def title(study: Finished) -> str:
    """What is developed and tested, on what."""
    return (
        f"Study “{study.study['name']}”: a model that estimates the probability of"
        f" {named(study.study['diagnoses'])} was {study.done}, in the cohort"
        f" {study.manifest['cohort']['name']}."
    )


def objective(study: Finished) -> str:
    """What the model is compared with."""
    rivals = [row["second"] for row in study.metrics["comparisons"] if row["second"] != ORACLE]
    asked = (
        f" and to say whether it is better than {named(rivals)} on the same cases, with a margin of"
        f" {study.study['margin']} macro AUROC"
        if rivals
        else ""
    )
    aim = "develop and test" if study.trains else "test"
    return f"To {aim} a model of {named(study.study['diagnoses'])}{asked}."


def research_use(study: Finished) -> str:
    """The notice that all files carry."""
    return str(study.metrics["notice"])


def output(study: Finished) -> str:
    """Probabilities, and thresholds."""
    cuts = each_label(study, {name: _cuts(found) for name, found in study.labels.items()})
    alert = f" Threshold of an alert: {cuts}." if cuts else ""
    return f"A probability of {named(list(study.labels))}.{alert}"


def _cuts(found: Mapping[str, Any]) -> str:
    point = found["operating_point"]
    values = [one["value"] for one in point["thresholds"].values()]
    if not values:
        return ""
    low, high = min(values), max(values)
    at = f"{low:.3f}" if low == high else f"{low:.3f} to {high:.3f}"
    return f"{point['threshold']['rule']}, {at}"


def output_kind(study: Finished) -> str:
    """Which kind of output it is."""
    cut = any(found["operating_point"]["thresholds"] for found in study.labels.values())
    return f"A prediction: probabilities{', and an alert at or above a threshold' if cut else ''}."


def threshold_cases(study: Finished) -> str:
    """Cases that thresholds and maps rest on."""
    rest = each_label(study, {name: _rest(found) for name, found in study.labels.items()})
    return (
        f"Thresholds and calibration maps were chosen on validation patients: {rest}."
        if rest
        else ""
    )


def _rest(found: Mapping[str, Any]) -> str:
    point = found["operating_point"]
    if not point["thresholds"] or not point["threshold"]["cases"]:
        return ""
    cases, positives = point["threshold"]["cases"], point["threshold"]["positives"]
    cuts = counted(len(point["thresholds"]), "threshold")
    return f"{cuts} from {counted(cases, 'case')}, {positives} positive"


def recalibration(study: Finished) -> str:
    """Which maps were chosen."""
    kinds = each_label(study, {name: _maps(found) for name, found in study.labels.items()})
    return (
        f"Recalibration chosen by log loss on validation patients of each fold: {kinds}."
        if kinds
        else ""
    )


def _maps(found: Mapping[str, Any]) -> str:
    maps = found["operating_point"].get("maps", {})
    kinds = Counter(one["chosen"]["kind"] for one in maps.values())
    return ", ".join(f"{kind} in {counted(count, 'fold')}" for kind, count in sorted(kinds.items()))


def ensemble(study: Finished) -> str:
    """Mean of all repeats."""
    repeats = study.study["repeats"]
    if not study.trains:
        return ""
    if repeats == 1:
        return "No ensemble was evaluated: one repeat, one model for each fold."
    return (
        f"The mean probability of {repeats} repeats has a macro AUROC of"
        f" {interval(study.metrics['ensemble'])}; all other figures are of single models."
    )


def model_settings(study: Finished) -> str:
    """Shape of the model."""
    found = _settings(study, "model")
    return f"Settings of the model: {found}." if found else ""


def training_settings(study: Finished) -> str:
    """How it was fitted."""
    found = _settings(study, "training")
    return f"Settings of the training: {found}." if found else ""


def image_settings(study: Finished) -> str:
    """How images were made alike."""
    found = study.manifest["study"].get("settings", {})
    if not found or not study.metrics["checks"]["images"]:
        return ""
    own = found["model"].get("encoders", {}).get("radiograph", {})
    side = found["model"].get("image_size", own.get("image_size", DEFAULT_SIDE))
    copies = found["training"]["augmentations"]
    to = f"{side} x {side} pixels"
    if own.get("backbone") and "image_size" not in own:
        to = f"the size that the backbone {own['backbone']} reads"
    return (
        f"Images are padded and resampled to {to}; augmented copies of every"
        f" training image: {copies}."
    )


def _settings(study: Finished, part: str) -> str:
    found = study.manifest["study"].get("settings", {}).get(part, {})
    return settings(found)


def seeds(study: Finished) -> str:
    """Seed of all random choices."""
    if not study.trains:
        return ""
    found = study.manifest["seeds"]
    repeats = counted(found["repeats"], "repeat")
    return f"Every random choice comes from seed {found['study']} ({repeats})."


def software(study: Finished) -> str:
    """Versions."""
    found = study.manifest["environment"]
    versions = ", ".join(f"{name} {found[name]}" for name in VERSIONS if name in found)
    return f"{versions} on {found['system']} {found['machine']}."


def code(study: Finished) -> str:
    """Version and digest of the code."""
    found = study.manifest["code"]
    commit = f", commit {found['commit']}" if "commit" in found else ""
    changed = ", with uncommitted changes" if found.get("modified") else ""
    model = study.manifest.get("model", {}).get("digest")
    tested = f" Model that was tested: {model}." if model else ""
    source = f"SHA-256 of the source {found['sha256']}"
    return f"Triptych {found['version']}{commit}{changed}, {source}.{tested}"


def study_file(study: Finished) -> str:
    """Digest of the study file."""
    found = study.manifest["study"]
    decides = "; of the settings that decide the training: "
    training = f"{decides}{found['config_sha256']}" if study.trains else ""
    return f"The study file fixes rules and evaluation: SHA-256 {found['file_sha256']}{training}."


def predictions(study: Finished) -> str:
    """Where every probability is kept."""
    digest = study.digest(PREDICTIONS)
    if not digest:
        return ""
    return (
        f"Every case was scored where it was tested ({SPLITS[study.study['split']]}), and every"
        f" probability stands in {PREDICTIONS} (SHA-256 {digest})."
    )


def files_kept(study: Finished) -> str:
    """What the manifest pins."""
    pinned = counted(len(study.manifest["files"]), "file")
    return f"manifest.json pins {pinned} of this study by digest."
