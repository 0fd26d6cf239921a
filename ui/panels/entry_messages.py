"""What the readers of files and tables say about a case that is entered, beside the field it is of.

The reader names file, row and column; here that becomes a field, and no file is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from clinical.case.case import Problem
from clinical.cohorts.entered import row_of
from clinical.cohorts.received import Received
from ui.words import phrasing
from ui.words.markup import Markup, joined, tag


def about(
    problems: Iterable[Problem], stem: str, *, place: int | None = None, columns: Sequence[str] = ()
) -> list[Problem]:
    """The messages about one table, or one row of it, or some of its columns.

    Args:
        problems: all of them.
        stem: of the table.
        place: of the row, counted from 0.
        columns: only messages about one of these.
    """
    return [
        problem
        for problem in problems
        if problem.file == f"{stem}.csv"
        and (place is None or problem.row == row_of(place))
        and (not columns or problem.column in columns)
    ]


def about_file(
    problems: Iterable[Problem], files: Sequence[Received], file: Received
) -> list[Problem]:
    """The messages about one of the files that were received."""
    alike = [one for one in files if one.is_recording == file.is_recording]
    stem = "ecgs" if file.is_recording else "images"
    return about(problems, stem, place=alike.index(file))


def put(words: Markup | None) -> None:
    """Something to read in a place of its own, which stays where there is nothing to say.

    Streamlit knows what it drew by its place: a message that comes or goes between two fields would
    have it draw all fields below anew, each for a moment beside its old self.
    """
    place = st.empty()
    if words:
        place.html(words)


def show(problems: Sequence[Problem], kind: str = "warn") -> None:
    """Messages as lines under a field; nothing where there are none."""
    put(lines([said(problem) for problem in problems], kind) if problems else None)


def ask(words: str | None) -> None:
    """What a field still asks for; nothing where it asks for nothing."""
    put(lines([(words, "")], "warn") if words else None)


def said(problem: Problem) -> tuple[str, str]:
    """Reason and remedy as sentences."""
    return phrasing.sentence(problem.reason), phrasing.sentence(remedy_of(problem))


# What a remedy of the reader of cohorts asks for, to where that stands on the page.
_HERE = {
    "write decimal =": "choose the decimal mark under the table",
    "write dates =": "choose the order of day and month under the table, or write 2024-05-31",
    "write the zone of times": "write the time with or without its zone, as the decision has it",
    "in the column view": "choose its view",
    "fill in the column time": "write when it was taken",
    "add a row for it to one of those tables": "add a film, a value, history or a note",
    "cases are split by patient": "fill it in",
}


def remedy_of(problem: Problem) -> str:
    """What to do, in the words of the page."""
    return next((words for part, words in _HERE.items() if part in problem.remedy), problem.remedy)


def lines(pairs: Iterable[tuple[str, str]], kind: str) -> Markup:
    """Sentences with what to do, each a line."""
    return tag(
        "div",
        *(
            tag("p", reason, joined([" ", tag("span", remedy, class_="remedy")]), class_=kind)
            if remedy
            else tag("p", reason, class_=kind)
            for reason, remedy in pairs
        ),
        class_="beside",
        role="status",
    )
