"""A check as a report: blocks in order, for terminal and HTML alike."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.checking.document_of_files import counts_of, files
from pipelines.checking.findings import FEWEST, Finding, listed
from pipelines.checking.found import NO_COHORT, CheckFound
from pipelines.checking.measurements import MeasurementFound, shown_name
from pipelines.checking.people import per_patient
from pipelines.checking.reader_words import asks
from pipelines.checking.tables_found import dialect
from pipelines.checking.times import TimesFound
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
from pipelines.reports.formatting import counted

PRIVACY = (
    "Counts only: no identifier, no value of one patient and no text of a note is shown. A name, "
    f"unit or code that is not known is shown if at least {FEWEST} rows have it."
)


def document(found: CheckFound) -> Document:
    """The whole report; a part that nothing is there for is left out."""
    blocks = [*_verdict(found), *_people(found), *_measurements(found), *_history(found)]
    blocks += [
        *_times(found),
        *files(found),
        *_resources(found),
        *_tables(found),
        *_proposal(found),
    ]
    return Document(f"What is in {found.name}", _lead(found), tuple(blocks), {})


def _lead(found: CheckFound) -> str:
    if found.layout == NO_COHORT:
        told = [
            counted(len(found.tables), "table"),
            counted(found.images.files, "image"),
            counted(found.tracings.files, "electrocardiogram"),
            counted(found.resources.files, "JSON file"),
        ]
        return f"No cohort yet: {', '.join(told)}. {PRIVACY}"
    some = ""
    if found.cases_read + found.skipped < found.cases_listed:
        looked = found.cases_read + found.skipped
        some = f" ({looked:,} of them looked at, evenly spaced; see --images)"
    return (
        f"Read as {found.layout}: {counted(found.cases_listed, 'case')} of"
        f" {counted(found.people.patients, 'patient')}{some}. {PRIVACY}"
    )


def _verdict(found: CheckFound) -> Iterator[Block]:
    decide = found.to_decide
    if decide:
        title = f"{counted(len(decide), 'thing')} must be decided"
        yield Box(title, tuple(map(_finding, decide)), "bad")
    else:
        yield Box("Nothing must be decided", (), "good")
    known = [one for one in found.findings if one.level == "know"]
    if known:
        yield Heading("Good to know", 1)
        yield Listing(tuple(map(_finding, known)))
    if found.written:
        yield Heading("How the tables are written", 1)
        yield Listing(tuple(Item(text) for text in found.written))
    if found.left_out:
        yield Heading("What the reader reports", 1)
        yield Paragraph(
            f"{counted(found.cases_read, 'case')} can be read, {found.skipped:,} cannot. The same"
            " messages, row by row, are in problems.csv of `triptych assess`.",
            soft=True,
        )
        rows = [
            Row((one.place, one.reason, one.remedy, f"{one.count:,}"))
            for one in found.left_out
            if not asks(one)
        ]
        if rows:
            yield Table((*texts("where", "what", "remedy"), *numbers("rows")), tuple(rows))


def _finding(one: Finding) -> Item:
    many = f"({one.count:,})" if one.count else ""
    end = "" if one.remedy.endswith("?") else "."
    remedy = f"Remedy: {one.remedy}{end}" if one.remedy else ""
    return Item(one.text, f"{one.place}:", " ".join(part for part in (many, remedy) if part))


def _people(found: CheckFound) -> Iterator[Block]:
    whom = found.people
    if not whom.cases:
        return
    yield Heading("Patients, cases, outcomes", 1)
    sizes = ", ".join(f"{name}: {n:,}" for name, n in per_patient(whom).items())
    told = [
        Item(f"{whom.cases:,} of {counted(whom.patients, 'patient')}", "Cases"),
        Item(sizes, "Patients by their number of cases") if sizes else None,
        counts_of("Sex as written", whom.sexes),
        counts_of("Sites", whom.sites),
        counts_of("Splits", whom.splits),
    ]
    yield Listing(tuple(one for one in told if one))
    if whom.outcomes:
        rows = [
            Row(
                (
                    one.diagnosis,
                    *map("{:,}".format, (one.positive, one.negative, one.unknown, one.before)),
                )
            )
            for one in whom.outcomes
        ]
        yield Table(
            (
                *texts("outcome"),
                *numbers("positive", "negative", "unknown", "of these, before the decision"),
            ),
            tuple(rows),
        )
    if whom.without_outcome:
        yield Paragraph(f"{whom.without_outcome:,} cases have no row of outcomes.", soft=True)


MEASURED = (
    *texts("written", "read as"),
    *numbers("n", "cases", "used"),
    Column("5 / 25 / 50 / 75 / 95%"),
    Column("units as written", wide=True),
    Column("not used, and why", wide=True),
    Column("doubts", wide=True),
)


def _measurements(found: CheckFound) -> Iterator[Block]:
    told = found.measurements
    if not told.known and not told.unknown:
        return
    yield Heading("Measurements", 1)
    if told.known:
        yield Table(MEASURED, tuple(map(_measured, told.known)))
    if told.unknown or told.hidden_names:
        yield Heading("Names that are not read")
        rows = [
            Row(
                (
                    shown_name(one),
                    f"{one.values:,}",
                    f"{one.cases:,}",
                    listed(one.units),
                    listed(one.refused, 2),
                )
            )
            for one in told.unknown
        ]
        columns = (*texts("written"), *numbers("n", "cases"), *texts("units as written", "why"))
        if rows:
            yield Table(columns, tuple(rows))
        if told.hidden_names:
            yield Paragraph(
                f"Names in fewer than {FEWEST} rows each are not shown:"
                f" {counted(told.hidden_names, 'name')},"
                f" {counted(told.hidden_values, 'row')}.",
                soft=True,
            )


def _measured(one: MeasurementFound) -> Row:
    quantiles = [f"{value:.4g}" if value is not None else "·" for value in one.quantiles]
    spread = f"{' / '.join(quantiles)} {one.unit}" if any(one.quantiles) else ""
    doubts = [str(suspect) for suspect in one.suspects]
    doubts += [counted(one.bounds, "bound")] if one.bounds else []
    doubts += [counted(one.contradictions, "contradiction")] if one.contradictions else []
    doubts += [counted(one.repeats, "repeat")] if one.repeats else []
    refused = f"{_refused_share(one)}: {listed(one.refused, 3)}" if one.refused else ""
    return Row(
        (
            shown_name(one),
            f"{one.code} {one.name}",
            f"{one.values:,}",
            f"{one.cases:,}",
            f"{one.used:,}",
            spread,
            listed(one.units),
            refused,
            "; ".join(doubts),
        ),
        strong=bool(one.suspects or one.contradictions),
    )


SHORT = (
    Column("written, read as", wide=True),
    *numbers("n", "used", "median", "5%", "95%"),
    Column("unit"),
    Column("doubts, and why not used", wide=True),
)


def _refused_share(one: MeasurementFound) -> str:
    return f"{one.share_refused:.0%}" if one.share_refused >= 0.005 else "<1%"


def _in_short(one: MeasurementFound) -> Row:
    """The row of a narrow terminal: a name, its numbers, and what is wrong with it."""
    whole = _measured(one)
    name = f"{shown_name(one)}: {one.name}" if one.name != one.written else one.name
    cells = [f"{value:.4g}" if value is not None else "-" for value in one.quantiles]
    said = "; ".join(text for text in (whole.cells[8], whole.cells[7]) if text)
    return Row(
        (name, f"{one.values:,}", f"{one.used:,}", cells[2], cells[0], cells[4], one.unit, said),
        whole.strong,
    )


def _history(found: CheckFound) -> Iterator[Block]:
    if found.codes:
        yield Heading("Codes", 1)
    for one in found.codes:
        told = [
            Item(f"{counted(one.rows, 'row')}, {counted(one.codes, 'different code')}", one.file),
            Item(listed(one.systems, 9), "Read as"),
            Item(counted(one.otherwise, "row"), "Not written in the one form of their system")
            if one.otherwise
            else None,
            Item(counted(one.denied, "row"), "Said not to be there") if one.denied else None,
            counts_of(
                "Most frequent of what is there" if one.denied else "Most frequent", one.commonest
            ),
        ]
        yield Listing(tuple(item for item in told if item))
    if found.notes:
        yield Heading("Notes", 1)
        rows = [
            Row(
                (
                    one.file,
                    f"{one.rows:,}",
                    listed(one.sections.counts, 8),
                    " / ".join(f"{n:.0f}" if n is not None else "·" for n in one.characters),
                )
            )
            for one in found.notes
        ]
        columns = (
            *texts("table"),
            *numbers("texts"),
            *texts("sections", "characters, 5 / 25 / 50 / 75 / 95%"),
        )
        yield Table(columns, tuple(rows))


def _times(found: CheckFound) -> Iterator[Block]:
    if not found.times:
        return
    yield Heading("Times against the decision", 1)
    yield Listing(tuple(map(_timed, found.times)))


def _timed(one: TimesFound) -> Item:
    counts = {
        "with a time": one.stated,
        "that cannot be read": one.unreadable,
        "later than the decision": one.after,
        "more than a year before it": one.long_before,
        "by day only": one.day_only,
        "by day only on the day of the decision": one.decision_day,
        "without a zone": one.naive,
        "with a zone": one.zoned,
        "without a zone where the decision has one": one.beside_zoned,
    }
    told = [f"{n:,} {name}" for name, n in counts.items() if n]
    return Item(", ".join([counted(one.rows, "row"), *told]), f"{one.file}, {one.column}:")


def _resources(found: CheckFound) -> Iterator[Block]:
    told = found.resources
    if not told.kinds:
        return
    yield Heading("FHIR resources", 1)
    items = [
        Item(listed(told.kinds, 12), "Resources"),
        Item(f"{told.patients:,}", "Different subjects"),
        Item(f"{told.without_value:,}", "Observations without a number"),
        Item(listed(told.systems, 8), "Conditions by code system") if told.systems else None,
        Item(f"{told.broken:,}", "JSON files that are no FHIR resource") if told.broken else None,
    ]
    yield Listing(tuple(item for item in items if item))


def _tables(found: CheckFound) -> Iterator[Block]:
    if found.tables:
        yield Heading("Tables and columns", 1)
    for one in found.tables:
        role = f", could become {one.role}" if found.layout == NO_COHORT and one.role else ""
        yield Heading(f"{one.file}: {counted(one.rows, 'row')}, {dialect(one)}{role}")
        rows = []
        for column in one.columns:
            what = f"{column.kind}, {column.form}" if column.form else column.kind
            theirs = {name: ours for ours, name in one.mapping.items()}
            ours = (
                column.ours
                or theirs.get(column.name, "")
                or (f"{column.near}?" if column.near else "")
            )
            ours = "a measurement" if column.name in one.wide else ours
            rows.append(
                Row(
                    (
                        column.name,
                        ours,
                        what,
                        _share(column.filled, one.rows),
                        f"{column.distinct:,}",
                    )
                )
            )
        yield Table((*texts("column", "is", "holds"), *numbers("filled", "different")), tuple(rows))
    if found.other_files:
        yield Paragraph(f"Other files: {listed(found.other_files, 8)}.", soft=True)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def _proposal(found: CheckFound) -> Iterator[Block]:
    if found.proposal:
        yield Heading("A proposal for cohort.toml", 1)
        yield Paragraph(
            "What is plain can be pasted; a line that begins with # is a question, and only its"
            " answer belongs into the file.",
            soft=True,
        )
        yield Code(found.proposal)


def short(found: CheckFound) -> Document:
    """The report for a narrow terminal: measurements in short, and tables without their columns."""
    whole = document(found)
    blocks: list[Block] = []
    inside = False
    for block in whole.blocks:
        if isinstance(block, Heading) and block.level == 1:
            inside = block.text == "Tables and columns"
        if isinstance(block, Table) and block.columns == MEASURED:
            blocks.append(Table(SHORT, tuple(map(_in_short, found.measurements.known))))
        elif not inside:
            blocks.append(block)
    return Document(whole.title, whole.lead, tuple(blocks), {})
