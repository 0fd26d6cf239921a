"""What is said of a table, in the words of who wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clinical.case.case import Problem, SkippedCase
from clinical.cohorts.cohort import Reading

Names = Mapping[str, Mapping[str, str]]
"""File to our name of a column to that of the file, where they differ; "" where it is one of
several, and the row alone says which."""


def in_their_words(reading: Reading, names: Names) -> Reading:
    """With the columns in problems called what the files call them."""

    def said(problem: Problem) -> Problem:
        theirs = names.get(problem.file, {}).get(problem.column)
        return problem if theirs is None else replace(problem, column=theirs)

    if not any(names.values()):
        return reading
    if isinstance(reading, Problem):
        return said(reading)
    if isinstance(reading, SkippedCase):
        return replace(reading, problem=said(reading.problem))
    return replace(reading, problems=tuple(map(said, reading.problems)))
