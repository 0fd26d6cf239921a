"""The section of a report about one label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clinical.wording import words
from pipelines.folds.methods import OURS
from pipelines.reports.blocks import Block, Figures, Heading, Paragraph, Row, Table, numbers, texts
from pipelines.reports.formatting import interval, number, p_value
from pipelines.study.all_figures import CALIBRATION, DECISION, GROUPS, ROC, groups_of, label_figure
from pipelines.study.sections.method_table import method_table
from pipelines.study.subgroup_columns import INPUTS

Metrics = Mapping[str, Any]

RATES = ("sensitivity", "specificity", "ppv", "npv")


def label(m: Metrics, name: str) -> Iterator[Block]:
    """All blocks of one label."""
    found = m["labels"][name]
    yield Heading(words(name), 1)
    names = tuple(label_figure(m, name, kind) for kind in (ROC, CALIBRATION, DECISION))
    # A little lower than half a page's width, so that both rows more often fit on one page.
    yield Figures(names, 2, tallest=78)
    yield Paragraph(
        "Decision curve: the wide grey line treats everybody, the thin line at 0 nobody.", soft=True
    )
    yield from _discrimination(found)
    yield from _operating_point(found)
    yield from _calibration(found)
    yield from _groups(m, name)
    yield from _next_study(found["next_study"])


def _discrimination(found: Metrics) -> Iterator[Block]:
    methods = found["methods"]
    delong = any(row["delong"]["value"] is not None for row in methods.values())
    yield Heading("Discrimination")
    extra = ("AUROC, DeLong",) if delong else ()
    columns = ("AUROC, patient bootstrap", *extra, "Average precision", "Positive / cases")
    figures = {
        method: (
            interval(row["auroc"]),
            *((interval(row["delong"]),) if delong else ()),
            interval(row["average_precision"]),
            f"{row['delong']['positives']:,} / {row['delong']['cases']:,}",
        )
        for method, row in methods.items()
    }
    yield method_table(columns, figures)


def _operating_point(found: Metrics) -> Iterator[Block]:
    op = found["operating_point"]
    chosen = op["threshold"]
    yield Heading("At the operating point")
    line = f"Threshold: {chosen['rule']}"
    if chosen["cases"]:
        line += (
            f" ({len(op['thresholds'])} thresholds from {chosen['cases']:,} validation cases,"
            f" {chosen['positives']:,} positive)"
        )
    if op["cases_without_threshold"]:
        line += (
            f"; {op['cases_without_threshold']} tested cases are left out, because their fold has "
            "no positive validation case"
        )
    values = [number(one["value"]) for one in op["thresholds"].values()]
    if values:
        line += f". Thresholds: {', '.join(values)}"
    yield Paragraph(f"{line}.", soft=True)
    methods = {OURS: op, **(found.get("comparators") or {})}
    figures = {
        method: (*(interval(one[rate]) for rate in RATES), interval(one["alerts"], 1))
        for method, one in methods.items()
    }
    columns = ("Sensitivity", "Specificity", "PPV", "NPV", "Alerts per 100 patients")
    yield method_table(columns, figures)


def _calibration(found: Metrics) -> Iterator[Block]:
    yield Heading("Calibration")
    scored = all("brier" in row for row in found["use"].values())
    figures = {
        method: (
            *(interval(row["weak"][k], 2) for k in ("slope", "intercept", "in_the_large")),
            interval(row["error"]),
            number(row["error_floor"]),
            *((interval(row["brier"]),) if scored else ()),
        )
        for method, row in found["use"].items()
    }
    columns = ("Slope (1)", "Intercept (0)", "In the large (0)", "ECE, 15 bins", "ECE if perfect")
    yield method_table((*columns, *(("Brier score",) if scored else ())), figures)
    always = next(iter(found["use"].values())).get("brier_of_prevalence")
    if always is not None:
        yield Paragraph(
            f"Brier score of whoever always says the prevalence: {number(always)}.", soft=True
        )


def _groups(m: Metrics, name: str) -> Iterator[Block]:
    yield Heading("Groups of patients")
    yield Figures((label_figure(m, name, GROUPS),))
    if groups := groups_of(m, name):
        yield _rates(groups)
    gaps = [gap for gap in m["subgroups"]["gaps"] if gap["label"] == name]
    if stated := [gap for gap in gaps if gap["size"]["value"] is not None]:
        yield _gaps(stated)
    elif gaps:
        yield Paragraph("No column has two groups that are large enough.")
    every = m["subgroups"]["groups"]
    patterns = [row for row in every if row["label"] == name and row["column"] == INPUTS]
    if patterns:
        yield Heading("By available inputs")
        yield _patterns(patterns)


def _rates(groups: list[Metrics]) -> Table:
    columns = numbers(
        "Patients",
        "True positive rate",
        "False positive rate",
        "ECE",
        "ECE if perfect",
        "Calibration slope",
    )
    rows = tuple(
        Row(
            (
                f"{group['column']}: {group['name']}",
                f"{group['patients']:,}",
                interval(group["true_positive_rate"], 2),
                interval(group["false_positive_rate"], 2),
                interval(group["calibration_error"], 2),
                number(group["calibration_floor"], 2),
                interval(group["calibration_slope"], 2),
            )
        )
        for group in groups
    )
    return Table((*texts("Group"), *columns), rows)


def _gaps(gaps: list[Metrics]) -> Table:
    rows = tuple(
        Row(
            (
                f"{gap['column']}, {words(gap['figure'])}",
                str(gap["highest"]),
                str(gap["lowest"]),
                interval(gap["size"]),
                p_value(gap["p"]),
                p_value(gap["adjusted"]),
            )
        )
        for gap in gaps
    )
    columns = numbers("Size", "p", "p, Holm over the study")
    return Table((*texts("Gap", "Highest", "Lowest"), *columns), rows)


def _patterns(patterns: list[Metrics]) -> Table:
    rows = tuple(
        Row(
            (
                str(group["name"]).replace("+", " + "),
                f"{group['patients']:,}",
                f"{group['positives']:,} / {group['cases']:,}",
                interval(group["auroc"]),
                interval(group["calibration_error"]),
            )
        )
        for group in patterns
    )
    columns = numbers("Patients", "Positive / cases", "AUROC", "ECE")
    return Table((*texts("Inputs"), *columns), rows)


def _next_study(found: Metrics) -> Iterator[Block]:
    yield Heading("Patients a next study needs")
    if not found["sizes"]:
        yield Paragraph(f"Not given: {found['because']}.")
        return
    sizes = ", ".join(
        f"{size['needed']:,} patients for {count} candidate predictors"
        for count, size in found["sizes"].items()
    )
    yield Paragraph(
        f"If it discriminates as well (AUROC {number(found['auroc'])}) at a prevalence of "
        f"{100 * found['prevalence']:.1f}%: {sizes}."
    )
    yield Paragraph("Riley et al. 2020, for regression; a network needs more.", soft=True)
