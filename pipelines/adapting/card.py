"""The card of an adapted model: what changed, from what, and then what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clinical.model.model import Model
from pipelines.adapting.adapted_model import history
from pipelines.adapting.change import NONE
from pipelines.reports.formatting import counted
from pipelines.training.model_card import model_card

_HEAD = "## What it is"


def adapted_card(model: Model) -> str:
    """The card of a model that was adapted at least once."""
    lines = [line for one in history(model) for line in _adaptation(one)]
    lines += [
        "The figures below are those of the training of the first model. Where local cases know a"
        " figure more precisely, or speak against it, the AUROC is theirs, from patients of nested"
        " folds; prevalence is that of the local cases wherever a diagnosis was changed.",
        "",
    ]
    before, head, after = model_card(model).partition(_HEAD)
    return before + "\n".join(lines) + "\n" + head + after


def _adaptation(one: Mapping[str, Any]) -> Iterator[str]:
    site, parent = one["site"], one["parent"]
    yield f"## Adapted from {parent['name']}"
    yield ""
    yield (
        f"Parent `{parent['digest']}`, which is unchanged. Site {site['cohort']}:"
        f" {counted(site['cases'], 'case')} of {counted(site['patients'], 'patient')}, outcomes of"
        f" {counted(site['labelled_cases'], 'case')} of"
        f" {counted(site['labelled_patients'], 'patient')}; inputs `{site['inputs_sha256']}`"
        + (f", with outcomes `{site['labels_sha256']}`." if site["labels_sha256"] else ".")
    )
    yield ""
    for name, told in one["diagnoses"].items():
        because = f" ({told['because']})" if told["because"] else ""
        kind = "left as it was" if told["change"] == NONE else told["change"]
        yield (
            f"- {name}: {kind}{because}; {told['positives']} local cases with it,"
            f" {told['negatives']} without; threshold {told['threshold']['value']:.3f}:"
            f" {told['threshold']['rule']}."
        )
    for name, told in one["domain"].items():
        what = "fitted again" if told["fitted"] else "left as it was"
        yield (
            f"- domain of {name}: {what}, {told['because']} ({told['outside_before']} of"
            f" {told['inputs']} inputs were outside)."
        )
    sets = "from local cases" if one["local_sets"] else "hold what they held before"
    yield f"- prediction sets: {sets}."
    yield (
        "- whether inputs support a suggestion: local cases decide for"
        f" {one['local_support']} pairs of inputs and diagnosis."
    )
    yield ""
