"""What a stranger looks for first: how to cite, to contribute and to report; and that it is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from clinical.cohorts.cohort import Source
from clinical.cohorts.sources import SOURCES
from clinical.export.bundle import FILES

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_citation_is_of_this_version_and_licence() -> None:
    citation = yaml.safe_load(text("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert str(citation["version"]) == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["authors"]
    assert "not a medical device" in citation["abstract"].lower()


def test_every_command_of_make_that_contributing_names_is_there() -> None:
    named = set(re.findall(r"^    make ([a-z-]+)", text("CONTRIBUTING.md"), re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    assert {"setup", "check", "test", "docs"} <= named
    assert named <= targets


@pytest.mark.parametrize("name", ["SOURCES", "FILES", "CohortContract", "FLOORS"])
def test_every_name_that_contributing_tells_to_change_is_where_it_says(name: str) -> None:
    place = re.search(rf"`{name}` in \[[\w.]*?/?[\w./]+\]\(([\w./]+)\)", text("CONTRIBUTING.md"))
    assert place, f"CONTRIBUTING.md no longer says where {name} is"
    assert re.search(rf"^(class )?{name}\b", text(place[1]), re.MULTILINE)


def test_contributing_names_every_room_of_the_library() -> None:
    layout = text("CONTRIBUTING.md").split("    pipelines/")[0]
    rooms = {path.parent.name for path in (ROOT / "clinical").glob("*/__init__.py")}
    assert rooms == set(re.findall(r"^      (\w+) ", layout, re.MULTILINE))


def test_what_examples_add_is_nowhere_but_in_their_tests() -> None:
    assert "triage_sheet" not in SOURCES
    assert "letters.md" not in FILES
    assert {module.NAME for module in SOURCES.values()} == set(SOURCES)
    assert all(hasattr(SOURCES["folder"], name) for name in vars(Source) if name[0] != "_")


def test_nobody_is_sent_to_an_address_that_may_not_exist() -> None:
    for name in ("SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "CITATION.cff"):
        assert not re.search(r"https?://|\S+@\S+\.\w+", text(name)), name
