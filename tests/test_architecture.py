"""Who may import whom. The order is the one drawn in the design of the house."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Highest floor first. A module may import from its own room and from lower floors only.
FLOORS: list[set[str]] = [
    {"pipelines.cli"},  # the command line opens the page, so it stands above both
    {"ui", "pipelines"},
    {"clinical.what_if"},
    {"clinical.assess", "clinical.export"},
    {"clinical.explain", "clinical.similar"},
    {"clinical.model"},
    {"clinical.space"},
    {"clinical.fusion"},
    {
        "clinical.accounts",
        "clinical.assignment",
        "clinical.cohorts",
        "clinical.encoders",
        "clinical.hypothetical",
        "clinical.review",
    },
    {"clinical.audit"},
    {
        "clinical.dicom",
        "clinical.store",
        "clinical.calibration",
        "clinical.domain",
        "clinical.terms",
    },
    {
        "clinical.card",
        "clinical.conditions",
        "clinical.database",
        "clinical.config",
        "clinical.priority",
    },
    {"clinical.place"},
    {"clinical.case", "clinical.assessment", "clinical.postgres"},
    {"clinical.roles"},
    {"clinical.canonical", "clinical.errors", "clinical.window", "clinical.wording"},
    {"clinical.triggers"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

# Which rooms alone may open a third-party package.
ONLY_IN: dict[str, set[str]] = {
    "pydicom": {"clinical.dicom"},
    "streamlit": {"ui"},
    "argon2": {"clinical.accounts"},
    "cryptography": {"clinical.audit"},
    "rfc3161_client": {"clinical.audit"},
    "pandas": {"clinical.cohorts", "pipelines", "clinical.export", "ui"},
    "torch": {
        "clinical.encoders",
        "clinical.fusion",
        "clinical.space",
        "clinical.model",
        "clinical.explain",
        "clinical.similar",
        "clinical.assess",
        "clinical.domain",
        "clinical.calibration",
        "pipelines",
    },
    "monai": {"clinical.encoders", "clinical.fusion", "clinical.model", "pipelines"},
    "sqlalchemy": {
        "clinical.accounts",
        "clinical.database",
        "clinical.postgres",
        "clinical.store",
        "clinical.audit",
        "clinical.assignment",
        "clinical.hypothetical",
        "clinical.review",
        "clinical.export",
        "ui",
        "pipelines",
    },
}
# The benchmark measures its peers, which have to be called as anyone would call them.
EXCEPTIONS: dict[str, set[str]] = {"pipelines.benchmarks.speed": {"pydicom"}}


def sources() -> list[Path]:
    return sorted(
        p for room in ("clinical", "pipelines", "ui") for p in (ROOT / room).rglob("*.py")
    )


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module: str) -> str | None:
    parts = module.split(".")
    for length in (2, 1):
        room = ".".join(parts[:length])
        if room in FLOOR:
            return room
    return None


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_imports_go_downward(path: Path) -> None:
    home = room_of(module_name(path))
    if home is None:
        assert module_name(path) == "clinical", f"{path} is in no room of the design"
        return
    for name in imported(path):
        room = room_of(name)
        if room is not None and room != home:
            assert FLOOR[room] > FLOOR[home], f"{module_name(path)} may not import {name}"


@pytest.mark.parametrize("path", sources(), ids=module_name)
def test_packages_stay_in_their_rooms(path: Path) -> None:
    home = (room_of(module_name(path)) or "").replace("pipelines.cli", "pipelines")
    for name in imported(path):
        package = name.split(".")[0]
        if package in EXCEPTIONS.get(module_name(path), set()):
            continue
        rooms = ONLY_IN.get(package)
        assert rooms is None or home in rooms, f"{module_name(path)} may not import {name}"


def test_clinical_and_ui_open_without_torch() -> None:
    import subprocess

    code = (
        "import sys, clinical.store, clinical.review, clinical.audit.ledger, ui.launch;"
        "print([m for m in ('torch', 'monai', 'pydicom') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_no_junk_drawers() -> None:
    junk = {"utils.py", "helpers.py", "common.py", "misc.py"}
    assert not [path for path in sources() if path.name in junk]
