"""A table as somebody pastes it: from a spreadsheet, from a report, or typed line by line."""

from __future__ import annotations

import pytest

from clinical.tables import pasted
from clinical.tables.pasted import Sheet


@pytest.mark.parametrize("mark", ["\t", ";", "|", ","])
def test_a_table_with_names_over_its_columns(mark: str) -> None:
    lines = [["Test", "Result", "Unit", "Date"], ["CRP", "112", "mg/L", "2024-03-01 08:00"]]
    found = pasted.sheet("\n".join(mark.join(line) for line in lines))
    assert (found.names, found.mark) == (("Test", "Result", "Unit", "Date"), mark)
    assert found.guess == ("code", "value", "unit", "time")
    assert found.rows == (("CRP", "112", "mg/L", "2024-03-01 08:00"),)


def test_a_table_without_names_is_known_by_what_stands_in_it() -> None:
    found = pasted.sheet("01.03.2024 08:00\tCRP\t112\tmg/L\n01.03.2024 08:00\tKrea\t<0,5\tmg/dl\n")
    assert found.names == ("Column 1", "Column 2", "Column 3", "Column 4")
    assert found.guess == ("time", "code", "value", "unit")


def test_german_names_and_a_time_of_day_of_its_own() -> None:
    found = pasted.sheet("Datum;Uhrzeit;Parameter;Wert;Einheit\n1.3.24;08:00;CRP;112;mg/l")
    assert found.guess == ("time", "time", "code", "value", "unit")
    assert pasted.arranged(found, found.guess) == (("CRP", "112", "mg/l", "1.3.24 08:00", ""),)


def test_decimal_commas_do_not_part_cells_of_a_table_between_semicolons() -> None:
    assert pasted.sheet("CRP;11,2;mg/L\nKalium;4,1;mmol/l").rows[0] == ("CRP", "11,2", "mg/L")


def test_a_cell_in_quotes_may_hold_the_mark() -> None:
    assert pasted.sheet('"Glucose; fasting";5.1;mmol/L').rows == (
        ("Glucose; fasting", "5.1", "mmol/L"),
    )


@pytest.mark.parametrize("text", ["", "\n \n", ";;;\n;;;"])
def test_nothing_is_an_empty_sheet(text: str) -> None:
    assert pasted.sheet(text).rows == ()


def test_rows_without_a_time_get_the_one_that_is_said() -> None:
    found = pasted.sheet("Name;Value;Unit;Time\nCRP;112;mg/L;\nK;4;mmol/l;2024-03-01")
    arranged = pasted.arranged(found, found.guess, time="2024-03-02 07:00")
    assert [row[3] for row in arranged] == ["2024-03-02 07:00", "2024-03-01"]


def test_cells_beyond_the_last_column_stay_for_the_reader_to_refuse() -> None:
    found = pasted.sheet("Name;Value;Unit\nCRP;11;2;mg/L;x\nK")
    long, short = pasted.arranged(found, found.guess)
    assert long == ("CRP", "11", "2", "", "", "mg/L", "x")
    assert short == ("K", "", "", "", "")


def test_a_column_that_is_not_used_is_left_out() -> None:
    found = pasted.sheet("Name;Value;Comment;Unit\nCRP;112;repeat;mg/L")
    assert found.guess == ("code", "value", "", "unit")
    assert pasted.arranged(found, found.guess) == (("CRP", "112", "mg/L", "", ""),)


def test_too_many_rows_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pasted, "MOST_ROWS", 3)
    found: Sheet = pasted.sheet("\n".join(f"CRP;{n};mg/L" for n in range(5)))
    assert (len(found.rows), found.left_out) == (3, 2)


def test_a_name_that_is_there_twice_is_used_once() -> None:
    assert pasted.sheet("Test;Value;Value\nCRP;1;2").guess == ("code", "value", "")
