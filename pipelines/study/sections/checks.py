"""Last sections of a report: splits, prediction sets, all guards, and limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clinical.wording import words
from pipelines.reports.blocks import (
    Block,
    Column,
    Heading,
    Item,
    Listing,
    Paragraph,
    Row,
    Table,
    numbers,
    texts,
)
from pipelines.reports.formatting import interval, number

Metrics = Mapping[str, Any]


def splits(m: Metrics) -> Iterator[Block]:
    """That no patient and no image is on both sides."""
    *folds, last = m["checks"]["patients"]
    yield Heading("Splits and their checks", 1)
    yield Paragraph(last)
    if folds:
        yield Listing(tuple(Item(line) for line in folds), "Every fold")
    if images := m["checks"]["images"]:
        yield Paragraph(
            f"{images['exact']} test images are identical, and {images['near']} nearly identical, "
            "to a training image."
        )


def sets(m: Metrics) -> Iterator[Block]:
    """Achieved coverage of prediction sets."""
    if not m["coverage"]:
        return
    yield Heading("Prediction sets", 1)
    wide = all("everyone" in row for row in m["coverage"].values())
    rows = tuple(
        Row(
            (
                name.replace("+", " + "),
                f"{row['share']['cases']:,}",
                interval(row["share"]),
                *((f"{row['everyone']['cases']:,}", interval(row["everyone"])) if wide else ()),
                number(row["size"], 2),
            )
        )
        for name, row in m["coverage"].items()
    )
    more = ("All cases", "Nothing missed") if wide else ()
    columns = numbers("With a diagnosis", "All of them in the set", *more, "Mean size")
    yield Table((*texts("Inputs"), *columns), rows)
    yield Paragraph(
        "A set promises to hold all true diagnoses of 90% of the cases that have one."
        + (" A case without a diagnosis has none that its set could miss." if wide else ""),
        soft=True,
    )
    if m.get("abstention"):
        yield from _abstention(m)


def _abstention(m: Metrics) -> Iterator[Block]:
    yield Heading("If the model answered only where its set is small")
    rows = tuple(
        Row(
            (
                str(one["most"]),
                *(interval(one[name]) for name in ("answered", "covered", "held")),
            )
        )
        for one in m["abstention"]
    )
    columns = numbers("Cases answered", "All true diagnoses in the set", "At least one in the set")
    yield Table((*texts("Diagnoses in the set, at most"), *columns), rows)
    yield Paragraph(
        "On a case whose set is larger, or empty, it abstains. First repeat.", soft=True
    )


def guards(m: Metrics) -> Iterator[Block]:
    """Every guard, those that fired first."""
    if not m["study"]["guards"]:
        return
    yield Heading("Guards", 1)
    looked = [one for one in m["guards"] if not one["skipped"]]
    rows = tuple(_guard(one) for one in sorted(looked, key=lambda one: not one["fires"]))
    columns = (*texts("Guard", "Measure"), *numbers("Number", "Limit", "Fires"))
    if rows:
        yield Table((*columns, Column("Finding", wide=True)), rows)
    skipped = [one for one in m["guards"] if one["skipped"]]
    if skipped:
        yield Paragraph("Not run:")
        yield Listing(
            tuple(
                Item(f"{one['reason']}.", f"{words(one['guard'])}, {one['subject']}:")
                for one in skipped
            )
        )


def _guard(one: Metrics) -> Row:
    return Row(
        (
            f"{words(one['guard'])}, {one['subject']}",
            one["measure"],
            interval(one["estimate"]),
            "-" if one["threshold"] is None else f"{one['threshold']}",
            "yes" if one["fires"] else "no",
            one["sentence"],
        )
    )


def limits(m: Metrics) -> Iterator[Block]:
    """What the study does not say."""
    yield Heading("Limits of this study", 1)
    lines = []
    if m["suppressed"]:
        counts = ", ".join(f"{count} of {name}" for name, count in m["suppressed"].items())
        lines.append(f"Groups that are too small to judge, named in suppressed.csv only: {counts}.")
    lines += [
        f"{count} cases state no {column}, and are in no group of it."
        for column, count in m["subgroups"]["unstated"].items()
        if count
    ]
    lines += [
        f"{one['what'][:1].upper()}{one['what'][1:]}: {one['because']}." for one in m["not_done"]
    ]
    lines += [
        "Thresholds and calibration come with the checkpoint, from its own validation patients."
        if m["study"]["split"] == "checkpoint"
        else "Thresholds and calibration maps come from validation patients who were also used for "
        "early stopping, so they are slightly optimistic; the figures above are from patients who "
        "were used for neither.",
        "Retrospective data of "
        + ("two cohorts" if m["study"]["split"] == "external" else "one cohort")
        + ": another hospital, case mix or device may give different figures.",
    ]
    yield Listing(tuple(Item(line) for line in lines))
