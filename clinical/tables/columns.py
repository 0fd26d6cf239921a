"""What the cells of a table's columns say together: number formats, dates, and unknown times."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Sequence
from operator import itemgetter

from clinical.case.case import Problem
from clinical.tables import numbers, times
from clinical.tables.form import Form, Told
from clinical.tables.header import Columns, Header, line, sounds_like_time

OFFSET = "offset_days"
MOST_HELD = 100_000
"""Different cells of a column that are held before they are looked at."""

ENOUGH = 200
"""Different cells by which a column of unknown meaning is judged."""


class Watch:
    """Looks at the cells of some columns as the rows go past, whichever rows are wanted."""

    def __init__(self, header: Header, columns: Columns) -> None:
        self._header, self._columns = header, columns
        at = header.positions
        self._numbers = {name: at[name] for name in columns.numbers if name in at}
        self._times = {name: at[name] for name in columns.times if name in at}
        self._unsure = {name: at[name] for name in header.own if columns.timed}
        self._cells: dict[int, set[str]] = {
            place: set()
            for places in (self._numbers, self._times, self._unsure)
            for place in places.values()
        }
        self._formats = dict.fromkeys(self._numbers, numbers.ANY)
        self._orders: dict[str, frozenset[tuple[str, times.Order]]] = {}
        self._dated = False

    def see(self, rows: Sequence[Sequence[str]]) -> None:
        """Takes note of the cells of some rows that are whole."""
        for place, cells in self._cells.items():
            cells.update(map(itemgetter(place), rows))
        if any(len(cells) > MOST_HELD for cells in self._cells.values()):
            self._look()

    def _look(self) -> None:
        for name, place in self._numbers.items():
            cells = {cell.strip() for cell in self._cells[place]}
            self._formats[name] &= numbers.signs(cells)
            self._dated |= name == OFFSET and any(cells)
        for name, place in self._times.items():
            cells = {cell.strip() for cell in self._cells[place]}
            self._orders[name] = self._orders.get(name, frozenset()) | times.signs(cells)
            self._dated |= any(cells)
        for place in {*self._numbers.values(), *self._times.values()}:
            self._cells[place].clear()
        for place in self._unsure.values():
            if len(self._cells[place]) > ENOUGH:
                kept = sorted(self._cells[place])[:ENOUGH]
                self._cells[place].clear()
                self._cells[place].update(kept)

    def form(self, told: Told, typed: Container[str]) -> Form:
        """How the columns are written.

        Args:
            told: what the cohort says, which is taken as it is.
            typed: columns of which the file itself says that they hold numbers.
        """
        self._look()
        formats = {}
        names = self._header.names
        for name, found in self._formats.items():
            if names.get(name, name) in typed:
                continue
            others = [more for other, more in self._formats.items() if other != name]
            formats[name] = told.number or numbers.decide(found, *others)
        orders = {name: times.decide(found, told.order) for name, found in self._orders.items()}
        return Form(formats, orders)

    def unknown_time(self, file: str) -> Problem | None:
        """A column that holds times, in a table that has no other time."""
        if self._dated:
            return None
        unsure = self._unsure.items()
        found = [name for name, place in unsure if _holds_times(name, self._cells[place])]
        if not found:
            return None
        first, ours = found[0], self._columns.times[0]
        more = f" (as are those of {len(found) - 1} more)" if found[1:] else ""
        stem = file.partition(".")[0]
        return Problem(
            file,
            f"the cells are times{more}, and the file has none that is known as {ours!r}; it is not"
            " used, because its rows may be later than the decision.",
            1,
            first,
            f"write {line(stem, ours, first)}, or, if that is not when a row was known,"
            f" ignore = {json.dumps(found, ensure_ascii=False)}",
        )


def _holds_times(name: str, cells: set[str]) -> bool:
    given = sorted(stripped for cell in cells if (stripped := cell.strip()))[:ENOUGH]
    if not given:
        return False
    return sounds_like_time(name) or 2 * sum(map(times.looks_like_time, given)) > len(given)


def said(form: Form) -> Iterator[str]:
    """What was found in columns that is not the format's own way to write them."""
    for name, found in form.numbers.items():
        if found is not None and (found.decimal != "." or found.thousands):
            yield f"numbers in {name} have a {found}"
    for name, orders in form.orders.items():
        for mark in "/-":
            if mark in orders:
                yield f"dates in {name} have the {orders[mark]} first"
