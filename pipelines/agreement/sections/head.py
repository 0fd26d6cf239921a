"""First and last sections of the report: verdict, alerts, rules and limits."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.agreement.findings import Findings
from pipelines.agreement.report_rows import when, who
from pipelines.agreement.rules import RULES, Alert
from pipelines.reports.blocks import (
    Block,
    Box,
    Column,
    Heading,
    Item,
    Listing,
    Row,
    Table,
    numbers,
    texts,
)
from pipelines.reports.formatting import counted

MOST_ALERTS = 12


def lead(found: Findings) -> str:
    """One line on what is in it."""
    counts, window = found.counts, found.window
    since = window.since[:10] or "the beginning"
    until = f"before {window.until[:10]}" if window.until else "the end of the record"
    return (
        f"{counted(counts.readings, 'signed reading')} of {counted(counts.cases, 'case')} by "
        f"{counted(counts.readers, 'reader')} · {counted(counts.assessed, 'assessment')} · "
        f"from {since} to {until} (UTC) · brackets: 95% interval"
    )


def verdict(found: Findings) -> Iterator[Block]:
    """Whether the record can be believed."""
    told = found.verdict
    if told.intact:
        whole = (
            Item(f"{told.reason}.", f"{counted(told.events, 'event')}:"),
            Item(
                f"the first {told.signed:,}, with the key {told.key[:16]}."
                if told.signed
                else "nothing yet.",
                "Signed:",
            ),
            Item(told.head, "Last event:"),
        )
        yield Box("The record is intact", whole, "good")
        return
    place = f"event {told.first_broken}" if told.first_broken else "the end"
    items = (
        Item(f"{told.reason}.", f"At {place}:"),
        Item(
            f"Only the {counted(told.events, 'event')} before it are counted here."
            " Nothing after it is in this report."
        ),
    )
    yield Box(
        "The record is broken", items, "bad", "Ask whoever keeps the record before you read on."
    )


def alerts(found: Findings) -> Iterator[Block]:
    """What fired, the latest month first."""
    fired = sorted(found.alerts, key=lambda one: one.period, reverse=True)
    if not fired:
        sentence = f"None of the {len(RULES)} rules fired. They are listed at the end."
        # What is not there cannot fire: on a broken record this is no good news.
        tone = "good" if found.verdict.intact else "care"
        yield Box("No alert", (Item(sentence),), tone)
        return
    rest = len(fired) - MOST_ALERTS
    note = "An alert says where to look, not what is wrong. The rules are listed at the end."
    if rest > 0:
        note = f"{counted(rest, 'more alert')} in the table at the end. {note}"
    yield Box(
        f"{counted(len(fired), 'alert')}", tuple(_item(a) for a in fired[:MOST_ALERTS]), "bad", note
    )


def rules(found: Findings) -> Iterator[Block]:
    """Every rule, how often it fired, and every alert."""
    yield Heading("Rules and alerts", 1)
    fired = {name: sum(one.rule == name for one in found.alerts) for name in RULES}
    rows = tuple(
        Row((rule.words, rule.reason, str(fired[name])), bool(fired[name]))
        for name, rule in RULES.items()
    )
    columns = (Column("Rule", wide=True), Column("Why this limit", wide=True))
    yield Table((*columns, *numbers("Fired")), rows)
    if found.alerts:
        yield Heading("Every alert")
        listed = tuple(Row((when(a.period), a.model, a.sentence)) for a in found.alerts)
        yield Table((*texts("Month", "Model"), Column("What", wide=True)), listed)


def limits(found: Findings) -> Iterator[Block]:
    """What is not counted, and what no count can say."""
    counts = found.counts
    yield Heading("Limits of this report", 1)
    lines = [
        f"{counted(counts.unsigned, 'decision')} in readings that nobody signed: not counted.",
        f"{counted(counts.purged, 'case')} removed from the store: not counted.",
        f"{counted(counts.not_read, 'assessment')} missing from the store: not in the comparison"
        " with training.",
        f"{counted(counts.unknown_codes, 'kind')} of measurement that a model was given but not"
        " trained on: it ignores them, and there is nothing to compare them with.",
        *(
            f"{model}: its checkpoint was not given (--model), so its inputs are not compared."
            for model in counts.without_reference
        ),
        "A checkpoint keeps prevalences, quantiles of measurements and ages, how many validation"
        " cases had each input, and how far an image or note may be from training. It does not"
        " keep how often each diagnosis was suggested, means and spreads of measurements, history"
        " codes or anything else about images and notes: for these there is no reference.",
        "Agreement is not correctness: reader and model may both be wrong.",
        "Intervals treat cases as independent. Several suggestions in one case and several cases of"
        " one patient are not quite independent, so intervals are a little too narrow; there is no"
        " correction for looking at many months.",
        "Times come from the computer's clock; active time is time with activity on the page.",
    ]
    yield Listing(tuple(Item(line) for line in lines))


def _item(one: Alert) -> Item:
    where = ", ".join(part for part in (when(one.period), one.model) if part)
    return Item(one.sentence, f"{where}:", "" if one.reader == "" else who(one.reader))
