"""Laboratory values and vital signs: pasted from a spreadsheet, or typed with help."""

from __future__ import annotations

import csv
import io

import streamlit as st

from clinical.case.case import Case
from clinical.case.shapes import Measurement
from clinical.cohorts.entered import row_of
from clinical.modalities.kit import person, read_by
from clinical.tables import pasted
from clinical.tables.pasted import Sheet
from clinical.terms import offered
from clinical.terms.loinc import lookup
from clinical.terms.shown import valued
from ui.panels import entry_messages, frame, measurements_panel
from ui.state import entry_fields
from ui.state.added import Preview
from ui.words import phrasing
from ui.words.markup import Markup, table, tag

ONE = {name: f"one-{name}" for name in ("code", "value", "unit", "time")}
HEADER = ("Name", "Value", "Unit", "Time")
EXAMPLE = "CRP\t112\tmg/L\t2024-05-31 08:15"


def render(shown: Preview) -> None:
    """One text that holds the table, a line to add a value to it, and what was understood."""
    st.html(frame.panel_title("Laboratory values and vital signs", "one row for each value"))
    _type_one()
    st.text_area(
        "Table: paste it from a spreadsheet, or write a line for each value",
        key=entry_fields.LABS,
        placeholder=EXAMPLE,
        height=150,
        max_chars=pasted.LONGEST,
    )
    sheet = pasted.sheet(str(st.session_state.get(entry_fields.LABS) or ""))
    with st.container():
        if sheet.rows:
            _columns(sheet)
    over = f"{sheet.left_out} rows beyond {pasted.MOST_ROWS} were left out."
    entry_messages.ask(over if sheet.rows and sheet.left_out else None)
    entry_messages.show(
        [p for p in entry_messages.about(shown.problems, "measurements") if p.row in (None, 1)],
        "bad",
    )
    entry_messages.put(unused_rows(sheet, shown))
    words = conversions(shown.case)
    entry_messages.put(tag("p", f"Converted: {words}.", class_="quiet") if words else None)
    found = understood(shown.case)
    label = "Values as they were understood"
    entry_messages.put(
        None
        if found is None
        else tag("div", found, class_="understood", tabindex=0, role="region", aria_label=label)
    )


def unused_rows(sheet: Sheet, shown: Preview) -> Markup | None:
    """Each row of the table with what the reader says of it."""
    rows = []
    for place, row in enumerate(sheet.rows):
        told = [
            entry_messages.said(p)
            for p in shown.problems
            if p.file == "measurements.csv" and p.row == row_of(place)
        ]
        rows += [
            tag(
                "tr",
                tag("td", f"Row {place + 1}", class_="quiet"),
                tag("td", " ".join(row)),
                tag("td", reason, tag("span", f" {remedy}", class_="remedy"), class_="problem"),
            )
            for reason, remedy in told
        ]
    if not rows:
        return None
    return table(("", "As written", "What the reader says"), rows, "unused", "Not used")


def understood(case: Case | None) -> Markup | None:
    """The values of the case, as its page will show them."""
    for kit, name, value in read_by(case) if case else ():
        if kit.name in measurements_panel.READS:
            age = person(case).age_years if case else None
            when = case.decision_time if case else None
            return measurements_panel.measurement_table(name, value, when, None, age_years=age)
    return None


def conversions(case: Case | None) -> str:
    """Each kind of value that is kept in another unit than it came in, once, or ""."""
    found = {
        item.name: f"{item.name} {item.raw_value} {item.raw_unit} to {valued(item)} {item.unit}"
        for kit, _, value in (read_by(case) if case else ())
        for item in kit.measured(value)
        if item.value is not None and _other_unit(item)
    }
    return "; ".join(found.values())


def _other_unit(item: Measurement) -> bool:
    term = lookup(item.code)
    return bool(term and item.raw_unit and term.read_unit(item.raw_unit) != item.unit)


def _type_one() -> None:
    names = offered.measurements()
    code, value, unit, time, button = st.columns(
        [36, 13, 22, 18, 11], gap="small", vertical_alignment="bottom"
    )
    chosen = code.selectbox(
        "Add a value",
        list(names),
        index=None,
        format_func=lambda one: names.get(one, one),
        placeholder="Name, alias or LOINC code",
        accept_new_options=True,
        filter_mode="contains",
        key=ONE["code"],
    )
    value.text_input("Value", key=ONE["value"], placeholder="112 or <5", max_chars=40)
    units = offered.units(chosen) if chosen else {}
    unit.selectbox(
        "Unit",
        list(units),
        index=0 if units else None,
        format_func=lambda one: units.get(one, one),
        placeholder="Unit",
        accept_new_options=True,
        key=f"{ONE['unit']}-{chosen}",
    )
    time.text_input("Taken at", key=ONE["time"], placeholder="2024-05-31 08:15", max_chars=40)
    button.button("Add", key="do-add-value", width="stretch", on_click=_append)
    meant = phrasing.sentence(offered.meant(chosen)) if chosen else ""
    entry_messages.put(tag("p", meant, class_="quiet") if meant else None)


def _append() -> None:
    chosen = st.session_state.get(ONE["code"])
    value = str(st.session_state.get(ONE["value"]) or "").strip()
    if not chosen or not value:
        return
    unit = str(st.session_state.get(f"{ONE['unit']}-{chosen}") or "")
    time = str(st.session_state.get(ONE["time"]) or "").strip()
    before = str(st.session_state.get(entry_fields.LABS) or "")
    fields = {str(key): found for key, found in st.session_state.items()}
    sheet = pasted.sheet(before)
    names = offered.measurements()
    name = names[chosen].partition(" · ")[0] if chosen in names else chosen
    roles = entry_fields.roles_of(sheet, fields)
    st.session_state[entry_fields.LABS] = with_line(before, sheet, roles, (name, value, unit, time))
    st.session_state[ONE["code"]] = None
    st.session_state[ONE["value"]] = ""


def with_line(
    text: str, sheet: Sheet, roles: tuple[str, ...], cells: tuple[str, str, str, str]
) -> str:
    """The table with one more line, its cells where its columns have them.

    A table without a column for the unit or the time gets one, so that nothing that was typed is
    lost: the text is written anew then.
    """
    wanted = dict(zip(("code", "value", "unit", "time"), cells, strict=True))
    if not sheet.rows:
        return f"{_line(HEADER, ';')}\n{_line(cells, ';')}"
    missing = [role for role in wanted if wanted[role] and role not in roles]
    lines = []
    if missing or sheet.names[0] == "Column 1":
        names = dict(zip(("code", "value", "unit", "time"), HEADER, strict=True))
        titles = [names.get(role, name) for role, name in zip(roles, sheet.names, strict=True)]
        lines = [_line((*titles, *(names[role] for role in missing)), sheet.mark)]
        width = len(titles)
        for row in sheet.rows:
            lines.append(_line((*row, *[""] * (width + len(missing) - len(row))), sheet.mark))
        text, roles = "\n".join(lines), (*roles, *missing)
    first = {role: at for at, role in reversed(list(enumerate(roles))) if role}
    added = [wanted.get(role, "") if first.get(role) == at else "" for at, role in enumerate(roles)]
    return f"{text.rstrip()}\n{_line(added, sheet.mark)}"


def _line(cells: tuple[str, ...] | list[str], mark: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=mark, lineterminator="").writerow(cells)
    return out.getvalue()


def _columns(sheet: Sheet) -> None:
    """What each column is, how numbers and dates are written, and when the rest was taken."""
    shown = sheet.names[:8]
    places = st.columns(max(4, len(shown)), gap="small")
    roles = entry_fields.COLUMN_ROLES
    for at, (name, place) in enumerate(zip(shown, places, strict=False)):
        key = entry_fields.column_key(at, name)
        if key not in st.session_state:
            st.session_state[key] = sheet.guess[at]
        place.selectbox(f"“{name}” is", list(roles), format_func=roles.__getitem__, key=key)
    decimal, dates, time = st.columns(3, gap="small")
    for place, label, key, options in (
        (decimal, "Decimal mark", entry_fields.DECIMAL, entry_fields.DECIMALS),
        (dates, "Dates", entry_fields.DATES, entry_fields.ORDERS),
    ):
        place.selectbox(label, list(options), format_func=options.__getitem__, key=key)
    time.text_input(
        "Time of rows that give none",
        key=entry_fields.LABS_TIME,
        placeholder="2024-05-31 08:15",
        max_chars=60,
    )
