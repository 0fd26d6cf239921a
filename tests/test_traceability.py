"""The page of rules: each paragraph has its place, and everything that it names exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from clinical.wording import RESEARCH_USE

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "traceability.md"

PART_11 = (
    *(f"11.10({letter})" for letter in "abcdefghijk"),
    *("11.30", "11.50(a)", "11.50(b)", "11.70"),
    *("11.100(a)", "11.100(b)", "11.100(c)"),
    *("11.200(a)(1)", "11.200(a)(1)(i)", "11.200(a)(1)(ii)"),
    *("11.200(a)(2)", "11.200(a)(3)", "11.200(b)"),
    *(f"11.300({letter})" for letter in "abcde"),
)
AI_ACT = (
    *("12(1)", "12(2)(a)", "12(2)(b)", "12(2)(c)", "12(3)"),
    *("14(1)", "14(2)", "14(3)", *(f"14(4)({letter})" for letter in "abcde"), "14(5)"),
    *(f"26({number})" for number in range(1, 13)),
)
HIPAA = (
    *("164.312(a)(1)", *(f"164.312(a)(2)({number})" for number in ("i", "ii", "iii", "iv"))),
    *("164.312(b)", "164.312(c)(1)", "164.312(c)(2)", "164.312(d)", "164.312(e)(1)"),
    "164.514(b)",
)
ALCOA = (
    *("Attributable", "Legible", "Contemporaneous", "Original", "Accurate"),
    *("Complete", "Consistent", "Enduring", "Available"),
)
PARAGRAPHS = (*PART_11, *(f"Article {number}" for number in AI_ACT), *HIPAA, *ALCOA)

_ENTRY = re.compile(r"^\*\*(?P<paragraph>[^*]+)\*\* (?P<asks>\S.*)\n(?P<body>(?:[- ] .*\n)+)", re.M)
_LINE = re.compile(r"^- (Where|Test|Not covered): (.+(?:\n  .+)*)", re.M)
_LEFT = ("organisation must", "gap: ", "does not concern: ")


@dataclass(frozen=True)
class Entry:
    """One paragraph of a rule on the page.

    Attributes:
        paragraph: its number.
        where, tests: `file` or `file::name`.
        left: what is not covered, in words; or "".
    """

    paragraph: str
    where: tuple[str, ...]
    tests: tuple[str, ...]
    left: str


def entries(page: str) -> list[Entry]:
    """The paragraphs of the page in order."""
    return [_entry(found["paragraph"], found["body"]) for found in _ENTRY.finditer(page + "\n")]


def _entry(paragraph: str, body: str) -> Entry:
    lines = _LINE.findall(body)
    rest = _LINE.sub("", body).strip()
    assert not rest, f"{paragraph}: a line of no kind: {rest}"
    said = dict(lines)
    assert len(said) == len(lines), f"{paragraph}: a line of one kind stands twice"
    where, tests = (tuple(re.findall(r"`([^`]+)`", said.get(k, ""))) for k in ("Where", "Test"))
    return Entry(paragraph, where, tests, said.get("Not covered", ""))


@cache
def names(file: Path) -> frozenset[str]:
    """Functions, classes, methods ("Class.method") and constants of a module."""
    return frozenset(_names(ast.parse(file.read_text(encoding="utf-8")).body, ""))


def _names(body: list[ast.stmt], inside: str) -> Iterator[str]:
    for node in body:
        match node:
            case ast.ClassDef(name=name):
                yield inside + name
                yield from _names(node.body, f"{name}.")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield inside + name
            case ast.Assign(targets=targets):
                yield from (inside + t.id for t in targets if isinstance(t, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield inside + name


def faults(entry: Entry) -> list[str]:
    """What an entry names and is not there, and what it does not say."""
    found = []
    for kind, reference in [("", r) for r in entry.where] + [("test_", r) for r in entry.tests]:
        path, _, name = reference.partition("::")
        file = ROOT / path
        if not file.is_file():
            found.append(f"no file {path}")
        elif name and name not in names(file):
            found.append(f"no {name} in {path}")
        elif kind and not (name.startswith(kind) and file.name.startswith(kind)):
            found.append(f"{reference} is no test")
    if bool(entry.where) != bool(entry.tests):
        found.append("a place without a test, or a test without a place")
    if not entry.where and not entry.left:
        found.append("neither a place nor what is not covered")
    if entry.left and not any(words in entry.left for words in _LEFT):
        found.append("does not say who has to do what is not covered")
    return found


def test_every_paragraph_has_its_place_once() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [entry.paragraph for entry in entries(page)] == list(PARAGRAPHS)
    # Nothing is written in a form that the reader above would pass over.
    assert page.count("\n- Where: ") == sum(bool(entry.where) for entry in entries(page))
    assert page.count("\n- Not covered: ") == sum(bool(entry.left) for entry in entries(page))


def test_what_is_named_exists() -> None:
    found = {entry.paragraph: faults(entry) for entry in entries(PAGE.read_text(encoding="utf-8"))}
    assert {paragraph: said for paragraph, said in found.items() if said} == {}


def test_gaps_are_told_at_the_top() -> None:
    page = PAGE.read_text(encoding="utf-8")
    (told,) = re.findall(r"^Gaps of the program itself: (.+)\.$", page, re.M)
    found = [entry.paragraph for entry in entries(page) if entry.left.startswith("gap: ")]
    assert told.split(", ") == found


def test_it_claims_nothing() -> None:
    start = PAGE.read_text(encoding="utf-8").partition("\n## ")[0]
    assert RESEARCH_USE in start
    assert "no claim of compliance" in start


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("- Where: `ui/gone.py::x`\n- Test: `tests/test_architecture.py`", "no file ui/gone.py"),
        (
            "- Where: `clinical/access/roles.py::maybe`\n"
            "- Test: `tests/clinical/access/test_roles.py::test_who_may_do_what`",
            "no maybe in clinical/access/roles.py",
        ),
        (
            "- Where: `clinical/access/roles.py::may`\n"
            "- Test: `tests/clinical/access/test_roles.py::test_gone`",
            "no test_gone in tests/clinical/access/test_roles.py",
        ),
        (
            "- Where: `clinical/access/roles.py::may`\n- Test: `clinical/access/roles.py::role_of`",
            "clinical/access/roles.py::role_of is no test",
        ),
        ("- Where: `clinical/access/roles.py::may`", "a place without a test"),
        ("- Not covered: somebody may.", "does not say who"),
    ],
)
def test_what_is_not_there_is_found(body: str, fault: str) -> None:
    (entry,) = entries(f"**1.1** Something.\n{body}\n")
    assert any(fault in found for found in faults(entry)), faults(entry)
