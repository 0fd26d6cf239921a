"""The rows of each model that a section tells of."""

from __future__ import annotations

import pytest

from pipelines.agreement.attention import Took
from pipelines.agreement.cells import ALL
from pipelines.agreement.readings import NO_MODEL
from pipelines.agreement.sections.by_model import by_model, months, months_and_readers
from pipelines.reports.blocks import Figures

JANUARY, FEBRUARY = "2031-01", "2031-02"
MODELS = ("alpha", "beta", NO_MODEL)


def row(model: str, reader: str = ALL, period: str = ALL) -> Took:
    return Took(model, reader, period, 1, 0, None, None, None)


def cells(readers: str, *periods: str) -> list[Took]:
    """Rows of readers of one letter each and of all of them, by month and of all months."""
    return [row("alpha", r, p) for p in (ALL, *periods) for r in (ALL, *readers)]


def test_models_without_rows_are_left_out_and_keep_their_number() -> None:
    listed = [row(NO_MODEL), row("alpha")]
    said = [(one.number, one.heading.text) for one in by_model(MODELS, listed)]
    assert said == [(1, "Model alpha"), (3, "Read without a model")]
    assert [one.model for one in by_model(MODELS, listed, lambda rows: rows[1:])] == []


def test_a_figure_is_shown_where_it_was_drawn() -> None:
    (one,) = by_model(MODELS, [row("beta")])
    assert [*one.shown("times", {"1-times"})] == []
    assert [*one.shown("times", {"1-times", "2-times"})] == [Figures(("2-times",))]


def test_all_months_are_told_of_where_they_are_more_than_one() -> None:
    single, both = cells("", JANUARY), cells("", JANUARY, FEBRUARY)
    assert [r.period for r in months(single)] == [JANUARY]
    assert [r.period for r in months(both)] == [ALL, JANUARY, FEBRUARY]


@pytest.mark.parametrize(
    ("readers", "periods", "told"),
    [
        ("a", [JANUARY], ["a 2031-01"]),
        ("ab", [JANUARY], [" 2031-01", "a 2031-01", "b 2031-01"]),
        ("a", [JANUARY, FEBRUARY], ["a ", "a 2031-01", "a 2031-02"]),
        ("ab", [JANUARY, FEBRUARY], [
            " ", "a ", "b ", " 2031-01", "a 2031-01", "b 2031-01", " 2031-02", "a 2031-02",
            "b 2031-02",
        ]),
    ],
)  # fmt: skip
def test_all_stands_for_more_than_one_and_comes_first(
    readers: str, periods: list[str], told: list[str]
) -> None:
    listed = months_and_readers(cells(readers, *periods)[::-1])
    assert [f"{r.reader} {r.period}" for r in listed] == told
