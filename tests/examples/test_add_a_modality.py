"""The example of a modality passes the contracts of every modality, beside the radiograph.

In a process of its own: the modality is known there from the start, and nowhere else.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clinical.modalities.kit import kits

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
CONTRACTS = (
    "tests/clinical/modalities/test_kit_contract.py",
    "tests/clinical/modalities/test_encoder_contract.py",
)


def passed(*files: str) -> list[str]:
    """The tests of `files` that passed with the example registered; all have to."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-m", "pytest", "-p", "with_capnogram", "-vv", *files]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return re.findall(r"::(\S+) PASSED", done.stdout)


def test_it_keeps_the_contracts_beside_the_radiograph() -> None:
    found = passed(*CONTRACTS)
    of = {
        name: {test.split("[")[0] for test in found if f"[{name}]" in test}
        for name in ("capnogram", "radiograph")
    }
    assert of["capnogram"] == of["radiograph"]
    assert len(of["capnogram"]) > 15


def test_it_goes_from_a_table_to_the_page() -> None:
    assert len(passed("tests/examples/road_of_a_capnogram.py")) == 5


def test_it_is_known_nowhere_else() -> None:
    assert "capnogram" not in kits()
