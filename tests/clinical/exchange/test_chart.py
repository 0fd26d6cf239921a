"""The chart: what was heard and seen, safe, and the same whatever is said twice."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hospital import at, diagnosis, film, heard, note, number, result

from clinical.errors import StoreError
from clinical.exchange.chart import Chart, Step, open_chart
from clinical.exchange.facts import Merge
from clinical.exchange.known import Film, Heard, told_as_json, told_from_json


def hear(chart: Chart, one: Heard) -> bool:
    return chart.hear(one.message, one.told, one.sender, one.arrived)


def see(chart: Chart, one: Film, tmp_path: Path) -> bool:
    file = tmp_path / "object"
    file.write_bytes(b"film")
    return chart.see(one, file)


def test_what_was_told_comes_back_as_it_was(tmp_path: Path) -> None:
    everything = heard(
        result(),
        diagnosis(onset=at(-9000), recorded=None),
        note(text='Crackles, "wet".\nÖdeme.'),
        sex="F",
        born=date(1960, 5, 1),
        merges=(Merge(number("1"), number("2", "NORTH")),),
    )
    assert told_from_json(told_as_json(everything.told)) == everything.told
    with open_chart(tmp_path) as chart:
        hear(chart, everything)
    with open_chart(tmp_path) as chart:
        assert chart.known("1001").heard == (everything,)
        assert chart.known("2").heard == (everything,)


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    with open_chart(tmp_path) as chart:
        one, seen = heard(result()), film()
        assert hear(chart, one)
        assert see(chart, seen, tmp_path)
        known = chart.known("1001")
        chart.settle("1001", (), None)
        assert not hear(chart, replace(one, arrived=at(90)))
        assert not see(chart, replace(seen, arrived=at(90)), tmp_path)
        assert chart.known("1001") == known
        assert chart.due(at(1000)) == ()


def test_a_patient_is_known_by_all_numbers_that_were_merged(tmp_path: Path) -> None:
    merges = [Merge(number("2"), number("1")), Merge(number("3"), number("2"))]
    with open_chart(tmp_path) as chart:
        for told in (
            heard(result(), who=(number("1"),)),
            heard(note(), who=(number("3"),)),
            heard(diagnosis(), who=(number("9"),)),
            *(heard(who=(), merges=(merge,)) for merge in merges),
        ):
            hear(chart, told)
        see(chart, film(number="3"), tmp_path)
        for one in "123":
            known = chart.known(one)
            assert (len(known.heard), len(known.films)) == (4, 1)


def test_a_film_that_was_sent_again_under_another_number_is_known_under_both(
    tmp_path: Path,
) -> None:
    with open_chart(tmp_path) as chart:
        for one in (film(), film(number="1002")):
            see(chart, one, tmp_path)
        hear(chart, heard(result(), who=(number("1002"),)))
        assert len(chart.known("1001").films) == 2
        assert chart.known("1001") == chart.known("1002")


def test_news_of_a_patient_makes_him_due_until_it_is_settled(tmp_path: Path) -> None:
    with open_chart(tmp_path) as chart:
        hear(chart, heard(result(), arrived=5))
        assert chart.due(at(4)) == ()
        assert chart.due(at(5)) == ("1001",)
        chart.settle("1001", (), again=at(60))
        assert (chart.due(at(59)), chart.due(at(60))) == ((), ("1001",))
        hear(chart, heard(note(), arrived=20))
        assert chart.due(at(20)) == ("1001",)


def test_the_trail_says_each_step_once(tmp_path: Path) -> None:
    made = Step(at(1), "received-a", "made", "from 1 films")
    waits = Step(at(2), "received-b", "waits", "for other views")
    with open_chart(tmp_path) as chart:
        chart.settle("1001", (made, waits), None)
        chart.settle("1001", (replace(made, time=at(9)),), None)
        assert chart.trail() == (made, waits)
        assert chart.trail("received-b") == (waits,)
        versioned = replace(made, what="versioned")
        chart.settle("1001", (versioned, made), None)
        assert [step.what for step in chart.trail("received-a")] == ["made", "versioned", "made"]


def test_what_an_event_recorded_is_one_step_however_often_it_is_told(tmp_path: Path) -> None:
    made = Step(at(1), "received-a", "made", "from 1 film", "hash-1")
    noted = Step(at(2), "received-a", "noted", "the case is signed")
    with open_chart(tmp_path) as chart:
        for step in (made, noted, made):
            chart.settle("1001", (step,), None)
        assert chart.trail() == (made, noted)


def test_the_name_of_a_case_is_always_the_same_and_tells_nothing(tmp_path: Path) -> None:
    with open_chart(tmp_path / "one") as chart:
        name = chart.case_name("1001")
    with open_chart(tmp_path / "one") as chart:
        assert chart.case_name("1001") == name
        assert chart.case_name("1002") != name
    with open_chart(tmp_path / "other") as chart:
        assert chart.case_name("1001") != name
    assert name.startswith("received-")
    assert "1001" not in name


def test_what_is_kept_no_longer_is_gone_with_its_films(tmp_path: Path) -> None:
    old, new = film("old"), film("new", taken=500)
    with open_chart(tmp_path) as chart:
        for one in (old, new):
            see(chart, one, tmp_path)
        for told in (heard(result()), heard(note(), arrived=500)):
            hear(chart, told)
        kept = tmp_path / "films" / "ab" / "left by a kill"
        kept.parent.mkdir(exist_ok=True)
        kept.touch()
        assert chart.forget(at(400)) == 2
        known = chart.known("1001")
        assert (known.films, [h.told.facts for h in known.heard]) == ((new,), [(note(),)])
        assert [chart.film_file(one).exists() for one in (old, new)] == [False, True]
        assert not kept.exists()


def test_it_is_for_its_owner_only(tmp_path: Path) -> None:
    with open_chart(tmp_path) as chart:
        seen = film()
        see(chart, seen, tmp_path)
        modes = [
            stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "chart.sqlite", tmp_path / "films")
        ]
        assert modes == [0o600, 0o700]
        assert chart.film_file(seen).read_bytes() == b"film"


def test_what_is_no_chart_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "chart.sqlite").write_bytes(b"not a database, and longer than a header of one" * 9)
    with pytest.raises(StoreError, match="cannot be used"):
        open_chart(tmp_path)
