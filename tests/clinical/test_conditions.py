"""The conditions of a computation: the code they cover, and how differences are told."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

from clinical import conditions

ROOT = Path(conditions.__file__).parents[1]
BESIDE = {"__init__.py", "conditions.py", "errors.py"}  # they compute nothing


def test_the_code_digest_covers_all_that_an_assessment_goes_through() -> None:
    covered = tuple(f"clinical/{entry}" for entry in conditions.CODE)
    missed = [
        name
        for name in road(["clinical.assess.assess", *encoders()])
        if not name.startswith(covered) and Path(name).name not in BESIDE
    ]
    assert missed == []
    assert encoders()
    assert all((ROOT / entry).exists() for entry in covered)


def encoders() -> list[str]:
    folder = ROOT / "clinical" / "modalities"
    return [f"clinical.modalities.{p.parent.name}.encoder" for p in folder.glob("*/encoder.py")]


def road(start: list[str]) -> list[str]:
    """Files of the house that these modules import, directly or not."""
    waiting, found = list(start), set()
    while waiting:
        path = (ROOT / waiting.pop().replace(".", "/")).with_suffix(".py")
        path = path if path.exists() else path.with_suffix("") / "__init__.py"
        if not path.exists() or path in found:
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("clinical"):
                waiting += [str(node.module), *(f"{node.module}.{a.name}" for a in node.names)]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def test_differences_name_what_was_and_what_is() -> None:
    here = conditions.of({"weights": "a" * 64})
    then = conditions.as_json(replace(here, python="3.9.1", parts={"weights": "b" * 64}))
    assert conditions.differences(conditions.as_json(here), here) == ()
    assert conditions.differences(then, here) == (
        "parts weights was bbbbbbbbbbbb, is aaaaaaaaaaaa",
        f"python was 3.9.1, is {here.python}",
    )
    del then["python"]
    assert f"python was not recorded, is {here.python}" in conditions.differences(then, here)
