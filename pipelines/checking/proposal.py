"""A proposal for cohort.toml: what is plain can be pasted, what must be decided is a comment."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache

from clinical.tables import csv_text
from clinical.tables.header import sounds_like_time
from clinical.tables.sexes import M_OF_TWO, ONE_OF_TWO, SAME_LETTER, Meaning
from clinical.tables.times import DAY_OR_MONTH
from clinical.terms import loinc, normalise
from clinical.terms.loinc import Term
from pipelines.checking.dictionary import Dictionary
from pipelines.checking.findings import Finding
from pipelines.checking.folder_tables import FolderTables
from pipelines.checking.measurements import MeasurementFound, MeasurementsFound, meant_by_unit
from pipelines.checking.tables_found import TableFound

_BRACKETS = re.compile(r"\s*[(\[]([^)\]]*)[)\]]\s*")
_BLOOD = ("blood", "serum", "plasma", "blut", "s", "p", "b", "i.s.", "im serum", "i.p.")
ASKED = (M_OF_TWO, ONE_OF_TWO, SAME_LETTER)
NEAR = 0.88
WESTERN_NAME = csv_text.NAMES[csv_text.WESTERN]


def for_cohort(
    tables: FolderTables,
    measured: MeasurementsFound,
    findings: Sequence[Finding],
    sexes: Meaning,
) -> tuple[str, ...]:
    """Lines for the cohort.toml of a folder that is in our format, or nearly."""
    zone = ['# time_zone = "Europe/Berlin"    # of times that name none']
    asks = any("time_zone" in one.remedy for one in findings if one.level == "decide")
    parts = [zone if asks else []]
    for stem, found in tables.found.items():
        asked = any(
            one.place.startswith(found.file) and "can be read in two ways" in one.text
            for one in findings
        )
        parts.append(_written(stem, found, asked=asked))
        orders = any(
            one.place.startswith(found.file) and one.text[1:] == DAY_OR_MONTH[1:]
            for one in findings
        )
        parts.append(_columns(stem, found, sexes if stem == "cases" else {}, orders=orders))
    return _joined([*parts, _codes(measured, Dictionary())])


def for_tables(
    tables: Sequence[TableFound], measured: MeasurementsFound, known: Dictionary
) -> tuple[str, ...]:
    """Lines for a cohort.toml to come, and which table would become which."""
    roles = [
        f"# {found.file} could become {found.role}.csv: "
        + ", ".join(
            f"{ours} = {theirs}" for ours, theirs in found.mapping.items() if ours != theirs
        )
        for found in tables
        if found.role not in ("", "dictionary") and found.mapping and not found.wide
    ]
    return _joined([roles, _csv(tables), _codes(measured, known)])


def _joined(parts: Sequence[list[str]]) -> tuple[str, ...]:
    lines: list[str] = []
    for part in parts:
        if part:
            lines += ([""] if lines else []) + part
    return tuple(lines)


def _csv(tables: Sequence[TableFound]) -> list[str]:
    """What tables of another layout share of a dialect that is not the default."""
    lines: list[str] = []
    delimiters = {found.delimiter for found in tables if found.delimiter}
    encodings = {found.encoding for found in tables if found.delimiter}
    forms = {c.form for found in tables for c in found.columns if c.kind in ("numbers", "mixed")}
    if len(delimiters) == 1 and delimiters != {","}:
        lines.append(f"delimiter = {json.dumps(delimiters.pop())}")
    if encodings == {WESTERN_NAME}:
        lines.append('encoding = "cp1252"')
    if "decimal comma" in forms and "decimal point" not in forms:
        lines.append('decimal = ","')
    elif "either, comma" in forms or "both" in forms:
        lines += TWO_READINGS
    return ["[csv]", *lines] if lines else []


TWO_READINGS = [
    '# decimal = ","    # 1,500 is one and a half, 1.500 is 1500',
    '# decimal = "."    # 1.500 is one and a half, 1,500 is 1500',
]


def _written(stem: str, found: TableFound, *, asked: bool) -> list[str]:
    """`[csv.TABLE]`: what the reader found by itself as plain lines, what it asks as comments."""
    lines: list[str] = []
    if found.delimiter not in ("", ","):
        lines.append(f"delimiter = {json.dumps(found.delimiter)}")
    if found.encoding == WESTERN_NAME:
        lines.append('encoding = "cp1252"')
    forms = [c.form for c in found.columns if c.ours]
    if asked:
        lines += TWO_READINGS
    elif any(form.startswith("decimal comma") for form in forms):
        lines.append('decimal = ","')
    return [f"[csv.{stem}]", *lines] if lines else []


def _columns(stem: str, found: TableFound, sexes: Meaning, *, orders: bool) -> list[str]:
    """`[columns.TABLE]`: names that are plain, and questions about times, dates and sexes."""
    ours = {c.ours for c in found.columns if c.ours}
    timed = ours & {"time", "onset", "offset_days"}
    name = "onset" if stem == "history" else "time"
    lines = ['# dates = "day first"', '# dates = "month first"'] if orders else []
    for column in found.columns:
        own = json.dumps(column.name, ensure_ascii=False)
        is_time = column.kind == "times" or sounds_like_time(column.name)
        if column.ours or not column.filled:
            continue
        if is_time and not timed and stem != "cases":
            lines.append(f"# {name} = {own}    # if it says when a row was known")
            lines.append(f"# ignore = [{own}]    # if it says something else")
        elif column.near:
            lines.append(f"{column.near} = {own}")
    asked = sorted(word for word, sex in sexes.items() if sex in ASKED)
    for pair in (("female", "male"), ("male", "female")) if len(asked) in (1, 2) else ():
        told = ", ".join(
            f"{json.dumps(w)} = {json.dumps(sex)}" for w, sex in zip(asked, pair, strict=False)
        )
        lines.append(f"# sex_values = {{ {told} }}")
    return [f"[columns.{stem}]", *lines] if lines else []


def _codes(measured: MeasurementsFound, known: Dictionary) -> list[str]:
    lines = [line for one in measured.known for line in _stated(one, known)]
    lines += [line for one in measured.unknown for line in _guess(one, known)]
    return ["[codes]", *lines] if lines else []


def _stated(one: MeasurementFound, known: Dictionary) -> Iterator[str]:
    if one.written in known.codes:
        said = known.labels.get(one.written, "")
        other = meant_by_unit(one)
        if other is None:
            yield _line(one.written, one.code, f"{said}, {_values(one)}; {one.name}")
            return
        units = ", ".join(unit.text for unit in one.units)
        yield "# " + _line(one.written, one.code, f"{said}; the dictionary says {one.name}")
        yield "# " + _line(one.written, other.code, f"{said}; the unit {units} says {other.name}")


def _guess(one: MeasurementFound, known: Dictionary) -> Iterator[str]:
    """What an unknown name is: plain if a known name with a specimen of blood, else a question."""
    if one.written in known.labels:
        yield from _by_label(one, known)
        return
    plain = within(one.written)
    if plain and one.used == 0 and all(plain.read_unit(unit.text) for unit in one.units):
        yield _line(one.written, plain.code, f"{_values(one)}; {plain.name}")
        return
    several = list(loinc.candidates(one.written))
    for term in several or _near(one.written):
        yield "# " + _line(one.written, term.code, f"{_values(one)}; if it is {term.name}")


def _by_label(one: MeasurementFound, known: Dictionary) -> Iterator[str]:
    """What the label that a dictionary gives would be read as, in the units that the values have.

    A question: the dictionary states another code, or none.
    """
    specimen = known.specimens.get(one.written, "")
    placed = [normalise.place(one.label, unit.text, specimen) for unit in one.units]
    terms = {each.term.code: each.term for each in placed if each.term and not each.problem}
    for term in terms.values() if len(terms) == 1 and all(p.term for p in placed) else ():
        remark = f"{one.label}, {_values(one)}; if it is {term.name}"
        yield "# " + _line(one.written, term.code, remark)


def _values(one: MeasurementFound) -> str:
    return "1 value" if one.values == 1 else f"{one.values:,} values"


def _line(written: str, code: str, remark: str) -> str:
    return f"{json.dumps(written, ensure_ascii=False)} = {json.dumps(code)}    # {remark}"


def within(written: str) -> Term | None:
    """The term of a name with its specimen of blood in brackets: "Krea (Serum)"; else None."""
    bracket = _BRACKETS.search(written)
    if bracket is None or bracket[1].strip().lower() not in _BLOOD:
        return None
    return loinc.lookup(_BRACKETS.sub(" ", written).strip())


@cache
def _names() -> dict[str, Term]:
    return {
        loinc.plain(name): term
        for term in loinc.terms()
        for name in (term.name, *term.aliases)
        if len(name) > 3
    }


def _near(written: str) -> list[Term]:
    near = difflib.get_close_matches(loinc.plain(written), _names(), n=2, cutoff=NEAR)
    alike = [name for name in near if name[0] == loinc.plain(written)[:1]]
    return list({_names()[name].code: _names()[name] for name in alike}.values())
