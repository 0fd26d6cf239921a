"""What came of comparing explanations with the truth, as Markdown."""

from __future__ import annotations

from pipelines.explanations import truth
from pipelines.explanations.truth import Against
from pipelines.statistics.metrics import Interval


def tables(against: Against) -> list[str]:
    """As Markdown."""
    lines = [
        "## Against the truth",
        "",
        f"{against.suggestions} suggestions at or above their threshold in the first"
        f" {against.cases} cases. Share of the pieces that change the answer most which have the"
        " sign of the true log-likelihood ratio; in brackets the share if all spoke for the"
        " diagnosis. Means over diagnoses. A ratio alone is among persons of the same age and sex;"
        " one given all the rest is what taking a piece away should show.",
        "",
    ]
    heads = [
        f"{n} strongest, {kind}" for kind in (truth.ALONE, truth.GIVEN_ALL) for n in truth.STRONGEST
    ]
    lines += ["| pieces | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for part in dict.fromkeys(one.part for one in against.agreements):
        own = [one for one in against.agreements if one.part == part]
        cells = [f"{one.sign} ({_share(one.plus)})" for one in own]
        lines.append(f"| {part} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "| compared | rank correlation | first three shared | sign of its ten strongest"
        " | sign of the ten strongest in truth |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.other}, and the truth {one.truth} | {one.spearman} | {one.top} | {one.sign}"
        f" | {one.sign_of_true} |"
        for one in against.orders
    ]
    lines += [
        "",
        "| most often wrong | of | pieces | wrong given all | wrong alone | change | true ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.name or 'other words'} ({one.modality}) | {one.diagnosis} | {one.pieces}"
        f" | {one.wrong} | {one.wrong_alone} | {one.change:.2f} | {one.truth:.2f} |"
        for one in against.worst
    ]
    return [*lines, ""]


def _share(found: Interval) -> str:
    return "-" if found.value is None else f"{found.value:.2f}"
