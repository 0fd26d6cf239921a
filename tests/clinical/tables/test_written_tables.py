"""A table as other programs write it reads as if it were written in this format's own way."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Events, Measurements
from clinical.cohorts import folder

DECIDED = "2021-03-12T12:00"
CASES = f"case_id,patient_id,decision_time,sex\nc1,p1,{DECIDED},female\n"


def write(root: Path, **tables: str) -> Path:
    for stem, text in {"cases": CASES, **tables}.items():
        suffix = "toml" if stem == "cohort" else "csv"
        (root / f"{stem}.{suffix}").write_text(text, encoding="utf-8")
    return root


def case_of(root: Path) -> Case:
    (found,) = (one for one in folder.read(root) if isinstance(one, Case))
    return found


def values(case: Case) -> list[float | None]:
    found = case.inputs["measurements"]
    assert isinstance(found, Measurements)
    return [item.value for item in found.items]


def messages(root: Path) -> Iterator[Problem]:
    for one in folder.read(root):
        match one:
            case Problem():
                yield one
            case SkippedCase():
                yield one.problem
            case Case():
                yield from one.problems


@dataclass(frozen=True)
class Writing:
    """A way to write a table, and the letters that it can hold without a doubt."""

    encoding: str
    delimiter: str
    decimal: str
    letters: str


SAFE = "abcXYZ éüß" + "µ"
WAYS = st.builds(
    Writing,
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([".", ","]),
    st.just("abcXYZ éüßłшд漢µ°²"),
)


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@given(
    WAYS,
    st.lists(
        st.tuples(st.floats(0.01, 90.0), st.text("abcXYZ éüßłшд漢µ°²,;\t|'\"\n", max_size=12)),
        min_size=1,
        max_size=6,
    ),
)
@settings(max_examples=60, deadline=None)
def test_any_table_that_is_written_in_one_way_only_reads_back(
    way: Writing, rows: list[tuple[float, str]]
) -> None:
    lines = [way.delimiter.join(["case_id", "code", "value", "unit", "time", "remark"])]
    for minute, (value, remark) in enumerate(rows):
        number = f"{value:.2f}".replace(".", way.decimal)
        cells = ["c1", "CRP", number, "mg/L", f"2021-03-12T08:{minute:02d}", remark]
        lines.append(way.delimiter.join(map(quoted, cells)))
    with tempfile.TemporaryDirectory() as name:
        root = write(Path(name))
        text = "\n".join(lines) + "\n"
        (root / "measurements.csv").write_bytes(text.encode(way.encoding))
        case = case_of(root)
    assert case.problems == ()
    assert values(case) == [float(f"{value:.2f}") for value, _ in rows]


WESTERN = {
    "Windows-1252 in German": ("Hämoglobin", "cp1252", True),
    "Windows-1252 in French": ("hémoglobine glyquée, l’été", "cp1252", True),
    "Windows-1252 in Spanish": ("año, ¿niño?", "cp1252", True),
    "a unit with a power": ("10³/µL, 37 °C", "latin-1", True),
    "DOS": ("Hämoglobin", "cp850", False),
    "Mac": ("hémoglobine", "mac-roman", False),
    "Polish": ("Białko", "cp1250", False),
    "Russian": ("Гемоглобин", "cp1251", False),
    "Greek": ("Αιμοσφαιρίνη", "cp1253", False),
}


@pytest.mark.parametrize(("text", "encoding", "read"), WESTERN.values(), ids=WESTERN)
def test_a_code_page_is_read_where_it_can_be_no_other(
    tmp_path: Path, text: str, encoding: str, read: bool
) -> None:
    root = write(tmp_path)
    note = f'case_id,section,text,time\nc1,letter,"{text}",2021-03-12T08:00\n'
    (root / "notes.csv").write_bytes(note.encode(encoding))
    case = case_of(root)
    if read:
        assert case.inputs["notes"].items[0].text == text
        assert [one.reason for one in folder.notes(root)] == [
            "the text is Windows-1252 (Western European)."
        ]
    else:
        assert "not UTF-8" in case.problems[0].reason
    write(root, cohort=f'[csv.notes]\nencoding = "{encoding}"\n')
    assert case_of(root).inputs["notes"].items[0].text == text


def test_what_was_found_is_said_and_is_no_fault(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        cases=f"sep=;\nCase ID;Patient_ID;Decision_Time;Gender\n1001.0;p1;{DECIDED};2\n",
        measurements="case_id;code;value;unit;time\n1001;NT-proBNP;1.234,5;pg/mL;12.03.2021 08:00\n"
        "1001;NT-proBNP;3.500;pg/mL;12.03.2021 09:00\n",
    )
    case = case_of(root)
    assert case.case_id == "1001"
    assert case.problems == ()
    assert values(case) == [1234.5, 3500]
    assert {str(note) for note in folder.notes(root)} == {
        "cases.csv: cells are separated by semicolons, ids such as 1001.0 are read as 1001.",
        "cases.csv, row 1, column Case ID: the column is read as case_id.",
        "cases.csv, row 1, column Patient_ID: the column is read as patient_id.",
        "cases.csv, row 1, column Decision_Time: the column is read as decision_time.",
        "cases.csv, row 1, column Gender: the column is read as sex.",
        "cases.csv: 1 and 2 in sex are read as male and female (ISO/IEC 5218).",
        "measurements.csv: cells are separated by semicolons.",
        "measurements.csv: numbers in value have a decimal comma, point between thousands.",
    }
    assert list(messages(root)) == []


def test_a_number_is_kept_as_it_was_written(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        measurements='case_id,code,value,unit,time\nc1,CRP,"1,2",mg/L,\nc1,NT-proBNP,3.500,pg/mL,\n',
    )
    found = case_of(root).inputs["measurements"]
    assert isinstance(found, Measurements)
    assert [(item.raw_value, item.value) for item in found.items] == [("1,2", 1.2), ("3.500", 3500)]


def test_a_number_of_two_readings_waits_for_the_cohort_to_decide(tmp_path: Path) -> None:
    lab = "case_id;code;value;unit;time\nc1;NT-proBNP;3.500;pg/mL;\nc1;NT-proBNP;90;pg/mL;\n"
    root = write(tmp_path, measurements=lab)
    (problem,) = messages(root)
    assert (problem.row, problem.column) == (2, "value")
    assert "1.500 would be 1.5 or 1500" in problem.reason
    assert "[csv.measurements] in cohort.toml" in problem.remedy
    assert values(case_of(root)) == [None, 90]
    for decimal, value in ((".", 3.5), (",", 3500)):
        write(root, cohort=f'[csv.measurements]\ndecimal = "{decimal}"\n')
        assert values(case_of(root)) == [value, 90]


def test_the_rows_that_are_wanted_do_not_decide_what_a_column_means(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        cases=CASES + f"c2,p2,{DECIDED},M\nc3,p3,{DECIDED},W\n",
        measurements='case_id,code,value,unit,time\nc1,NT-proBNP,3.500,pg/mL,\nc2,CRP,"1,2",mg/L,\n',
    )
    (found,) = (one for one in folder.read(root, {"c1"}) if isinstance(one, Case))
    assert values(found) == [3500]
    before = folder.digests(root)["c1"]
    text = (root / "measurements.csv").read_text(encoding="utf-8")
    (root / "measurements.csv").write_text(text.replace('"1,2"', "1.2"), encoding="utf-8")
    assert folder.digests(root)["c1"] != before, "the cell of another case changed what 3.500 is"


LATE = "2021-03-20"
UNKNOWN_TIMES = {
    "a note": ("notes", f"case_id,section,text,date\nc1,letter,Embolism.,{LATE}\n", "time", "date"),
    "an onset": ("history", f"case_id,code,display,date\nc1,I26.9,,{LATE}\n", "onset", "date"),
    "an odd name": (
        "notes",
        f"case_id,section,text,when\nc1,letter,Embolism.,{LATE} 08:00\n",
        "time",
        "when",
    ),
    "an odd name with other order": (
        "notes",
        "case_id,section,text,when\nc1,letter,Embolism.,20.03.2021\n",
        "time",
        "when",
    ),
    "a time that is empty throughout": (
        "notes",
        f"case_id,section,text,time,charttime\nc1,letter,Embolism.,,{LATE}\n",
        "",
        "charttime",
    ),
}


@pytest.mark.parametrize(
    ("stem", "text", "ours", "theirs"), UNKNOWN_TIMES.values(), ids=UNKNOWN_TIMES
)
def test_a_table_with_a_time_that_is_not_known_waits_for_the_cohort_to_say_what_it_is(
    tmp_path: Path, stem: str, text: str, ours: str, theirs: str
) -> None:
    root = write(tmp_path, **{stem: text})
    (problem,) = messages(root)
    assert (problem.file, problem.column) == (f"{stem}.csv", theirs)
    assert f'"{theirs}" under [columns.{stem}] in cohort.toml' in problem.remedy
    if ours:
        write(root, cohort=f'[columns.{stem}]\n{ours} = "{theirs}"\n')
        (late,) = messages(root)
        assert "after the decision" in late.reason
        assert late.column == theirs, "the column is called what the file calls it"
    write(root, cohort=f'[columns.{stem}]\nignore = ["{theirs}"]\n')
    assert list(messages(root)) == []


def test_measurements_without_a_time_are_told_what_to_write(tmp_path: Path) -> None:
    lab = f"case_id,code,value,unit,charttime\nc1,CRP,5,mg/L,{LATE}\n"
    (problem,) = messages(write(tmp_path, measurements=lab))
    assert (problem.column, problem.reason) == (
        "time",
        "the column is missing; the file is not used.",
    )
    assert 'time = "charttime" under [columns.measurements]' in problem.remedy


def test_other_columns_are_nobodys_business(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        notes="case_id,section,text,author,page,accession\nc1,letter,Cough.,Dr X,2,12345678\n"
        "c1,letter,Fever.,Dr Y,3,20213\n",
    )
    assert list(messages(root)) == []


@pytest.mark.parametrize(
    ("column", "cell", "years"),
    [
        ("age_years", "61y", 61),
        ("age_years", "061Y", 61),
        ("age", "018M", 1.5),
        ("AGE", "18 months", 1.5),
        ("age_years", "45,5", 45.5),
        ("age_years", "NULL", None),
        ("age_months", "18", 1.5),
        ("birth_date", "1960-03-12", 61),
        ("birth_date", "2019-09-11", 1.5),
        ("birth_date", "12.03.1960", 61),
        ("birth_year", "1960", 61),
    ],
)
def test_an_age_is_read_as_hospitals_write_it(
    tmp_path: Path, column: str, cell: str, years: float | None
) -> None:
    root = write(
        tmp_path,
        cases=f'case_id,patient_id,decision_time,sex,{column}\nc1,p1,{DECIDED},f,"{cell}"\n',
    )
    case = case_of(root)
    history = case.inputs["history"]
    assert isinstance(history, Events)
    assert history.age_years == pytest.approx(years, abs=0.01)
    assert case.problems == ()


@pytest.mark.parametrize("cell", ["-3", ">89", "300", "1956", "61 parsecs", "x"])
def test_an_age_that_is_none_is_left_out(tmp_path: Path, cell: str) -> None:
    root = write(tmp_path, cases=f"case_id,patient_id,sex,age_years\nc1,p1,f,{cell}\n")
    (problem,) = messages(root)
    assert "the age is not a number of years" in problem.reason


def test_a_decision_with_a_zone_beside_times_without_asks_for_the_zone(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        cases="case_id,patient_id,decision_time,sex\nc1,p1,2021-03-12T08:00-05:00,f\n",
        measurements="case_id,code,value,unit,time\nc1,CRP,5,mg/L,2021-03-12T07:30\n"
        "c1,CRP,300,mg/L,2021-03-12T12:30\n",
    )
    (problem,) = messages(root)
    assert "no time_zone. 2 rows of the case are not used." in problem.reason
    assert "time_zone" in problem.remedy
    write(root, cohort='time_zone = "America/New_York"\n')
    assert values(case_of(root)) == [5]


@pytest.mark.parametrize(
    ("column", "cell", "value", "reported"),
    [
        ("time", "2021-03-20", True, False),
        ("time", "2021-03-12T11:00", None, True),
        ("time", DECIDED, True, False),
        ("time", "", True, False),
        ("offset_days", "8", True, False),
        ("offset_days", "-0.1", None, True),
    ],
)
def test_an_outcome_of_before_the_decision_counts_as_unknown(
    tmp_path: Path, column: str, cell: str, value: bool | None, reported: bool
) -> None:
    root = write(tmp_path, outcomes=f"case_id,diagnosis,value,{column}\nc1,death,1,{cell}\n")
    (found,) = folder.outcomes(root)
    assert found.value is value
    assert (found.problem is not None) is reported
