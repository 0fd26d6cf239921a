"""A draft as tables of the folder format: what goes into which cell, and what the record keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from digests import without_digests
from hospital import NOON, at, diagnosis, note, result, write_film

from clinical.case.shapes import Events, Measurements, Texts
from clinical.dicom.identity import read_identity
from clinical.exchange.assembled_case import build, provenance, words
from clinical.exchange.assembly import Draft
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.chart import Chart, open_chart
from clinical.exchange.known import Film
from clinical.wording import counted

RULES = Rules(site="north", authority="HOSP", codes={"KREA_X7": "2160-0"})


@pytest.fixture
def chart(tmp_path: Path) -> Iterator[Chart]:
    with open_chart(tmp_path / "inbox") as opened:
        yield opened


def seen(chart: Chart, folder: Path, **how: Any) -> Film:
    path = folder / f"film of {how}"
    digest = hashlib.sha256(write_film(path, **how)).hexdigest()
    film = Film(digest, "PACS", at(2), read_identity(path))
    chart.see(film, path)
    return film


def draft(*films: Film, **more: Any) -> Draft:
    return replace(Draft("key", "1001", at(2), NOON, NOON, films), **more)


def test_each_fact_goes_the_road_of_its_table(chart: Chart, tmp_path: Path) -> None:
    own = replace(result("c"), code="KREA_X7", system="", display="Krea", value="1.2", unit="mg/dL")
    named = replace(result("n"), code="N1", system="", display="CRP", value="<5", unit="mg/L")
    found = build(
        draft(
            seen(chart, tmp_path),
            measurements=(result(), own, named),
            history=(diagnosis(), diagnosis("no", code="J44.9", present=False)),
            notes=(note(),),
            sex="F",
            birth_date=NOON.date().replace(year=1960),
        ),
        "received-a",
        chart,
        RULES,
    )
    case = found.case
    assert case is not None
    assert (case.case_id, case.patient_id, case.site) == ("received-a", "1001", "north")
    labs, history, notes = (case.inputs[n] for n in ("measurements", "history", "notes"))
    assert isinstance(labs, Measurements)
    assert [(m.code, m.value, m.bound) for m in labs.items] == [
        ("2823-3", 4.1, ""),
        ("2160-0", 1.2, ""),
        ("1988-5", 5.0, "<"),
    ]
    assert isinstance(history, Events)
    assert [(e.code, e.present) for e in history.items] == [("I50.9", True), ("J44.9", False)]
    assert (history.sex, history.age_years) == ("female", 64)
    assert isinstance(notes, Texts)
    assert [(t.section, t.text) for t in notes.items] == [("indication", "Cough.")]


def test_a_number_that_cannot_be_read_in_one_way_stays_with_the_case(
    chart: Chart, tmp_path: Path
) -> None:
    comma = replace(result(), value="4,1")
    case = build(
        draft(seen(chart, tmp_path), measurements=(comma,)), "received-a", chart, RULES
    ).case
    assert case is not None
    labs = case.inputs["measurements"]
    assert isinstance(labs, Measurements)
    assert (labs.items[0].value, labs.items[0].raw_value) == (None, "4,1")
    assert case.problems


def test_an_allergy_is_not_taken_for_the_medicine(chart: Chart, tmp_path: Path) -> None:
    allergy = diagnosis(code="J01CA04", system="ATC", display="Amoxicillin", kind="allergy")
    case = build(draft(seen(chart, tmp_path), history=(allergy,)), "received-a", chart, RULES).case
    assert case is not None
    history = case.inputs["history"]
    assert isinstance(history, Events)
    assert [(e.code, e.display) for e in history.items] == [
        ("allergy:Amoxicillin", "Allergy: Amoxicillin")
    ]


def test_films_of_numbers_that_were_merged_are_of_one_case(chart: Chart, tmp_path: Path) -> None:
    now = seen(chart, tmp_path)
    before = seen(chart, tmp_path, number="2002", name="before", study="0", acquired=at(-9000))
    case = build(draft(now, priors=(before,)), "received-a", chart, RULES).case
    assert case is not None
    assert sorted(case.inputs) == ["image", "prior_image"]


def test_a_film_that_cannot_be_read_leaves_no_case(chart: Chart, tmp_path: Path) -> None:
    film = seen(chart, tmp_path)
    chart.film_file(film).write_bytes(b"damaged")
    found = build(draft(film), "received-a", chart, RULES)
    assert found.case is None
    assert "known format" in found.why


def test_the_record_holds_counts_and_minutes_and_no_number(chart: Chart, tmp_path: Path) -> None:
    left = (("results", "told after the decision", 2),)
    one = draft(seen(chart, tmp_path), measurements=(result(),), left_out=left)
    case = build(one, "received-a", chart, RULES).case
    assert case is not None
    kept = provenance(one, case, RULES)
    assert kept["results"] == {"count": 1, "first": 60, "last": 60}
    said = without_digests(json.dumps(kept))
    assert not any(text in said for text in ("1001", "4.1", "HOSP", "KREA"))
    assert words(kept) == "from 1 film, 1 result; left out: 2 results told after the decision"


def test_counting() -> None:
    said = [counted(n, "items of history") for n in (1, 2)]
    assert said == ["1 item of history", "2 items of history"]
    assert counted(1, "films") == "1 film"
