"""A model card in Markdown, written from what the checkpoint contains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clinical.modalities.radiograph.encoder import ALL
from clinical.model.calibration import pattern_key
from clinical.model.model import Model
from clinical.wording import RESEARCH_USE


def model_card(model: Model) -> str:
    """The card of a trained model; validation figures are marked as what they are."""
    facts = model.facts
    full = model.support[pattern_key(model.specs)]
    lines = [
        f"# Model card: {model.name}",
        "",
        f"**{RESEARCH_USE}** Identity `{model.identity.digest}`, configuration"
        f" `{model.identity.configuration_digest}`.",
        "",
        "## What it is",
        "",
        f"Reads {', '.join(model.specs)}; suggests {', '.join(model.diagnoses)}."
        f" One encoder and one reader for each modality (frozen {_images(model)} and"
        " MiniLM, learned token maps, cross-attention of one query per diagnosis); their evidence"
        " adds up in log odds, corrected by an attention over what they found; calibration per"
        " availability pattern.",
        "",
        _taught(model),
        "",
        f"{facts['trained_parameters']:,} trained parameters. Trained on"
        f" {facts['training_cases']} cases of {facts['training_patients']} patients; early"
        f" stopping, calibration, thresholds and limits from {facts['validation_cases']} cases of"
        f" {facts['validation_patients']} other patients. Best epoch {facts['best_epoch']} of"
        f" {facts['epochs']}, validation loss {facts['validation_loss']}.",
        "",
        f"Speaks of {model.ages.words} only; of others everything is withheld.",
        "",
        f"Training cohort: {Path(model.study.cohort.path).name}"
        f" (source {model.study.cohort.source}).",
        "",
        "## Validation figures (used for fitting calibration and thresholds: not a test result)",
        "",
        "| diagnosis | prevalence | AUROC, all inputs | " + " | ".join(model.specs) + " |",
        "| --- " * (3 + len(model.specs)) + "|",
    ]
    for name in model.diagnoses:
        alone = [_area(model.support[modality][name].auroc) for modality in model.specs]
        lines.append(
            f"| {name} | {model.prevalence[name]:.1%} | {_area(full[name].auroc)} | "
            + " | ".join(alone)
            + " |"
        )
    lines += [
        "",
        "## Limits",
        "",
        "- A model trained on simulated patients knows only simulated patients. On real"
        " radiographs its"
        " suggestions are marked out of distribution and withheld.",
        "- Suggestions that validation did not support for the given inputs are withheld with the"
        " reason.",
        "- A prediction set (the 90% list; what is not on it is not ruled out) promises coverage"
        " over patients like"
        " those of validation, on average; at another hospital it may not hold."
        if model.set_rules
        else "- There are no prediction sets.",
        "- Attention-based attributions show what the model used, not what is true.",
        "",
    ]
    return "\n".join(lines)


def _images(model: Model) -> str:
    """The frozen networks that look at images."""
    own = [spec.settings for spec in model.specs.values() if getattr(spec.settings, "backbone", "")]
    if not own:
        return "EfficientNet-lite0, film tail"
    tuned = next(iter(model.facts.get("fine_tuned", {}).values()), None)
    whose = "weights that others taught" if tuned is None else _fine_tuning(tuned)
    return (
        f"{own[0].backbone} with {whose}, SHA-256 `{own[0].weights_sha256}`,"
        f" normalisation: {own[0].normalisation};"
    )


def _fine_tuning(tuned: Mapping[str, Any]) -> str:
    layers = "all layers" if tuned["layers"] == ALL else "the last third of the layers"
    kept = (
        "was the best before any layer had learnt, and is as it was"
        if tuned["best_epoch"] == 1
        else f"is that of epoch {tuned['best_epoch']} of {tuned['how']['epochs']}"
    )
    return (
        f"weights that were fine-tuned ({layers}, {tuned['films']} films; {tuned['patients']}"
        " training patients, whose films taught no reader; the backbone"
        f" {kept})"
    )


def _taught(model: Model) -> str:
    training = model.study.training
    taught = ["Each modality was trained alone, then all together"]
    if training.soft_targets:
        taught.append(
            "from the simulated clinic's own posteriors instead of outcomes (distilled from the"
            " oracle); calibration, thresholds and sets from true outcomes"
        )
    elif model.facts.get("stacked"):
        taught.append(
            "from the outcome and, with four times its weight, from what ridge regression, boosting"
            " and their late fusion, fitted on other training patients, say of each patient; the"
            " sum of evidence began as a stack of the readers, which is late fusion"
        )
    if correction := model.facts.get("correction"):
        shares = ", ".join(f"{name} {share:.0%}" for name, share in correction.items())
        taught.append(f"of what the attention adds to that sum, validation supports: {shares}")
    if attending := model.facts.get("attending"):
        shares = ", ".join(f"{name} {share:.0%}" for name, share in attending.items())
        taught.append(
            "beside these speak plain readers (late fusion of regressions and trees, and trees over"
            " all tables), fitted to training and validation patients; of the log odds so much is"
            f" the attention's, as validation supports: {shares}"
        )
    if training.mask_weight:
        taught.append(
            "attention was drawn to the simulated findings' masks"
            f" (weight {training.mask_weight:g})"
        )
    return "; ".join(taught) + "."


def _area(value: float | None) -> str:
    return "too few" if value is None else f"{value:.3f}"
