"""The report of an adaptation: what changed, before and after, and what more cases would buy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.adapting.change import NONE
from pipelines.adapting.curve import NEXT, Curve
from pipelines.adapting.judged import Compared, Whole
from pipelines.adapting.nested import FOLDS, LEAST_GAIN
from pipelines.reports.blocks import (
    Block,
    Box,
    Code,
    Column,
    Document,
    Heading,
    Item,
    Listing,
    Paragraph,
    Row,
    Table,
    numbers,
    texts,
)
from pipelines.reports.formatting import counted, interval, signed
from pipelines.statistics.metrics import Interval

FORMAT = "triptych.adaptation/1"


@dataclass(frozen=True, eq=False)
class Findings:
    """All that a report says.

    Attributes:
        record: of the adaptation, as the new model has it.
        skipped: cases that could not be read.
        doubled: cases whose inputs another patient has, too.
        before, after: all diagnoses together, on held-out patients.
        diagnoses: each one with a known outcome, before and after.
        kinds: of every fold, diagnosis to the change that was chosen there.
        curve: with more local cases; None without outcomes.
        changed: whether there is a new model.
    """

    record: Mapping[str, Any]
    skipped: int
    doubled: int
    before: Whole
    after: Whole
    diagnoses: Mapping[str, Compared]
    kinds: tuple[dict[str, str], ...]
    curve: Curve | None
    changed: bool


def to_json(found: Findings) -> dict[str, Any]:
    """Everything as JSON-compatible values."""
    return {
        "format": FORMAT,
        "record": dict(found.record),
        "skipped": found.skipped,
        "doubled": found.doubled,
        "before": asdict(found.before),
        "after": asdict(found.after),
        "diagnoses": {name: asdict(one) for name, one in found.diagnoses.items()},
        "kinds": list(found.kinds),
        "curve": None if found.curve is None else asdict(found.curve),
        "changed": found.changed,
    }


def sentence(found: Findings) -> str:
    """What came of it, in a sentence or two."""
    record = found.record
    changed = [n for n, one in record["diagnoses"].items() if one["change"] != NONE]
    fitted = [n for n, one in record["domain"].items() if one["fitted"]]
    if not found.changed:
        return (
            f"Nothing in these cases supports a change: keep using {record['parent']['name']}."
            " No model was written."
        )
    parts = [f"changed: {', '.join(changed)}" if changed else "no diagnosis was changed"]
    if fitted:
        parts.append(f"domain fitted again: {', '.join(fitted)}")
    gain = _loss_words(found)
    return "; ".join(parts) + (f". {gain}" if gain else ".")


def _loss_words(found: Findings) -> str:
    before, after = found.before.log_loss, found.after.log_loss
    if before.value is None or after.value is None:
        return ""
    return (
        f"Log loss on held-out patients {before.value:.3f} before, {after.value:.3f} after"
        f" ({counted(before.cases, 'case')})."
    )


def document(found: Findings) -> Document:
    """The whole report."""
    site, parent = found.record["site"], found.record["parent"]
    lead = (
        f"{parent['name']} ({parent['digest'][:12]}) at {site['cohort']}:"
        f" {counted(site['cases'], 'case')} of {counted(site['patients'], 'patient')}, outcomes of"
        f" {counted(site['labelled_cases'], 'case')}."
    )
    return Document("Adaptation to a site", lead, tuple(_blocks(found)), {})


def _blocks(found: Findings) -> Iterator[Block]:
    yield Box("What came of it", tuple(_verdict(found)), "good" if found.changed else "care")
    yield from _what_changed(found)
    yield from _before_and_after(found)
    if found.curve is not None:
        yield from _more_cases(found.curve)
    yield from _limits(found)


def _verdict(found: Findings) -> Iterator[Item]:
    yield Item(sentence(found))
    if found.curve is not None:
        yield Item(_next_words(found.curve), lead="The next cases:")
    if found.doubled:
        yield Item(
            f"{counted(found.doubled, 'case')} with inputs that another patient has, too; they were"
            " taken for one patient's, so that nobody is on both sides of a fold.",
            lead="Doubled:",
        )
    if found.skipped:
        yield Item(f"{counted(found.skipped, 'case')} could not be read.", lead="Skipped:")


def _what_changed(found: Findings) -> Iterator[Block]:
    record = found.record
    yield Heading("What changed", 1)
    rows = [
        Row(
            (
                name,
                f"{one['positives']} / {one['negatives']}",
                "left as it was" if one["change"] == NONE else one["change"],
                one["because"] or _trials(one["trials"]),
                _stable(found.kinds, name),
                f"{one['threshold']['value']:.3f}",
                one["threshold"]["rule"],
            ),
            one["change"] != NONE,
        )
        for name, one in record["diagnoses"].items()
    ]
    columns = (
        *texts("diagnosis"),
        *numbers("with / without"),
        Column("change"),
        Column("log loss gained in nested validation ± its standard error", wide=True),
        Column("chosen in folds"),
        *numbers("threshold"),
        Column("threshold: how"),
    )
    yield Table(columns, tuple(rows))
    yield Paragraph(
        "A change takes the place of a stiffer one only if it lowers the log loss of patients whom"
        " it was not fitted on by more than the standard error of that difference, and by more than"
        f" {LEAST_GAIN:g}, and if at least half of the folds below went as far. All are pulled to"
        " the model as it was: few cases move little.",
        soft=True,
    )
    if record["domain"]:
        rows = [
            Row(
                (
                    name,
                    f"{one['outside_before']} of {one['inputs']}",
                    "fitted again" if one["fitted"] else "left as it was",
                    one["because"],
                ),
                one["fitted"],
            )
            for name, one in record["domain"].items()
        ]
        yield Heading("What counts as unlike the training cases")
        yield Table(
            (
                *texts("input"),
                *numbers("outside before"),
                *texts("domain"),
                Column("why", wide=True),
            ),
            tuple(rows),
        )
    sets = "were chosen anew on local cases" if record["local_sets"] else "hold what they held"
    yield Paragraph(
        f"Prediction sets {sets}. Whether inputs support a suggestion at all is decided by local"
        f" cases for {record['local_support']} pairs of inputs and diagnosis: where they know it"
        " more precisely than the training, or speak against it."
    )


def _trials(trials: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(
        f"{one['change']} {one['gain']:+.4f} ± {one['error']:.4f}{'' if one['kept'] else ' (no)'}"
        for one in trials
    )


def _stable(kinds: Sequence[Mapping[str, str]], name: str) -> str:
    """How often each change was chosen, when a fold was left out."""
    found = Counter(one[name] for one in kinds)
    return ", ".join(f"{kind} {count}" for kind, count in found.most_common())


def _before_and_after(found: Findings) -> Iterator[Block]:
    yield Heading("Before and after", 1)
    yield Paragraph(
        f"On held-out patients of {FOLDS} folds. For each fold everything was chosen and fitted on"
        " the other patients, so that nothing is judged on what it was fitted on. Brackets: 95%"
        " patient bootstrap.",
        soft=True,
    )
    rows = [
        Row((words, interval(asdict(one)), interval(asdict(other))))
        for words, one, other in (
            ("log loss, mean over known outcomes", found.before.log_loss, found.after.log_loss),
            ("share of cases outside the domain", found.before.outside, found.after.outside),
            ("share of suggestions withheld", found.before.withheld, found.after.withheld),
            (
                "coverage of prediction sets (cases with one and an outcome)",
                found.before.coverage,
                found.after.coverage,
            ),
        )
    ]
    yield Table((*texts("all diagnoses"), *numbers("before", "after")), tuple(rows))
    for name, one in found.diagnoses.items():
        yield Heading(name)
        yield _figures(one)


def _figures(one: Compared) -> Table:
    words = {
        "auroc": "AUROC",
        "log_loss": "log loss",
        "brier": "Brier score",
        "ece": "calibration error (15 bins)",
        "sensitivity": "sensitivity at the threshold",
        "alert_rate": "alerts, share of all cases",
        "withheld": "withheld, share of cases",
    }
    gains = {"auroc": signed(asdict(one.auroc_gain)), "log_loss": _lower(one.log_loss_gain)}
    rows = tuple(
        Row(
            (
                said,
                interval(asdict(getattr(one.before, name))),
                interval(asdict(getattr(one.after, name))),
                gains.get(name, ""),
            )
        )
        for name, said in words.items()
    )
    return Table((*texts("figure"), *numbers("before", "after", "difference, paired")), rows)


def _lower(gain: Interval) -> str:
    """After minus before, of a gain that is the other way round."""
    if gain.value is None or gain.low is None or gain.high is None:
        return "not defined"
    return signed({"value": -gain.value, "low": -gain.high, "high": -gain.low})


def _more_cases(curve: Curve) -> Iterator[Block]:
    yield Heading("What more cases would buy", 1)
    rows = [
        Row(
            (
                str(point.cases) if point.cases else "0 (as it was)",
                interval(asdict(point.log_loss)),
                signed(asdict(point.gain)) if point.cases else "",
                interval(asdict(point.auroc)),
            )
        )
        for point in curve.points
    ]
    names = ("local labelled cases", "log loss", "lower than before by", "AUROC, mean of diagnoses")
    yield Table(numbers(*names), tuple(rows))
    yield Paragraph(_next_words(curve))
    yield Paragraph(
        "All rows are judged on the same held-out patients. Smaller numbers are random parts of"
        " larger ones, drawn five times; the interval holds both which patients are judged and"
        " which were drawn. The choice among changes is made anew in every part.",
        soft=True,
    )


def _next_words(curve: Curve) -> str:
    largest, further = curve.points[-1].cases, curve.further
    step = curve.last_step
    if further.value is not None and further.low is not None and further.high is not None:
        return (
            f"From {largest} to {largest + NEXT} labelled cases the log loss would fall by"
            f" {further.value:.4f} [{further.low:.4f}, {further.high:.4f}], if the power law"
            " through the points above goes on as it does. This is an estimate and not a"
            " measurement."
        )
    seen = ""
    if step.value is not None and step.low is not None and step.high is not None:
        before = curve.points[-2].cases
        seen = (
            f" What was seen: from {before} to {largest} cases it fell by {step.value:.4f}"
            f" [{step.low:.4f}, {step.high:.4f}]."
        )
    return (
        f"What the next {NEXT} labelled cases would buy cannot be estimated: {curve.because}.{seen}"
    )


def _limits(found: Findings) -> Iterator[Block]:
    yield Heading("Limits", 1)
    items = [
        "Local cases are taken as the site's ordinary ones: what is odd in them becomes part of"
        " the domain. Look at those that were outside before.",
        "The figures hold for patients like these, at this site and time.",
        "Codes that the model has no token for cannot be adapted: translate them.",
        "A change of readers keeps what they read; only what is made of it is fitted. More cases"
        " are worth a training of their own.",
    ]
    yield Listing(tuple(Item(words) for words in items))
    if found.changed:
        lines = (
            "triptych models add OUT/model --workspace DIR",
            "triptych assess COHORT --model OUT/model --out RESULTS",
        )
        yield Heading("To use it")
        yield Code(lines)
