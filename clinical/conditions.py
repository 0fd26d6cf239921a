"""The conditions an assessment was computed under: model parts, code, libraries, machine.

The assessment itself does not hold this, because the same bits may come of other conditions; the
ledger does, so that a replay that differs can say what else differs.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from clinical import canonical

LIBRARIES = (
    "efficientnet-lite-pytorch",
    "numpy",
    "safetensors",
    "scikit-learn",
    "scipy",
    "tokenizers",
    "torch",
    "transformers",
)
"""Packages whose arithmetic an assessment goes through."""

CODE = (
    "assess/assess.py",
    "assess/explain.py",
    "assess/gate.py",
    "assess/mirrored.py",
    "assess/without.py",
    "canonical.py",
    "case",
    "config.py",
    "dicom",
    "evaluation.py",
    "fine_tuning.py",
    "formatting.py",
    "modalities",
    "model",
    "tables",
    "terms",
    "wording.py",
)
"""Files and folders of this package that the road from a case to an assessment goes through."""


@dataclass(frozen=True)
class Conditions:
    """Under what a model computes.

    Attributes:
        parts: part of the model to the SHA-256 that names it (`clinical.model.model.parts`).
        code: SHA-256 over the names and bytes of the files that `CODE` lists.
        device: what computes.
        threads: how many of them; the order of a sum depends on it.
        seed: of random draws, or None: an assessment draws none.
        libraries: package to version.
        python: version of Python.
        machine: operating system and processor family.
    """

    parts: Mapping[str, str]
    code: str
    device: str
    threads: int
    seed: int | None
    libraries: Mapping[str, str]
    python: str
    machine: str


def of(parts: Mapping[str, str]) -> Conditions:
    """The conditions in this process for a model with these parts."""
    return Conditions(
        parts=dict(parts),
        code=code_digest(),
        device="cpu",
        threads=1,
        seed=None,
        libraries={name: _version(name) for name in LIBRARIES},
        python=".".join(str(number) for number in sys.version_info[:3]),
        machine=f"{platform.system()} {platform.machine()}",
    )


def as_json(conditions: Conditions) -> dict[str, Any]:
    """Conditions as an ASSESSED event holds them."""
    return asdict(conditions)


def differences(then: Mapping[str, Any], now: Conditions) -> tuple[str, ...]:
    """What differs between recorded conditions and those of now, a phrase each."""
    before, here = _flat(then), _flat(as_json(now))
    return tuple(
        f"{name} was {_short(before.get(name))}, is {_short(here.get(name))}"
        for name in sorted(before.keys() | here.keys())
        if before.get(name) != here.get(name)
    )


@cache
def code_digest() -> str:
    """SHA-256 of the names and bytes of the files that `CODE` lists, in order of their names."""
    room = Path(__file__).parent
    named = [
        [file.relative_to(room).as_posix(), canonical.sha256(file.read_bytes())]
        for entry in CODE
        for file in sorted((room / entry).rglob("*.py") if "." not in entry else [room / entry])
    ]
    return canonical.digest(named)


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, Mapping):
            flat |= {f"{name} {inner}": found for inner, found in value.items()}
        else:
            flat[name] = value
    return flat


def _short(value: Any) -> str:
    text = "not recorded" if value is None else str(value)
    return text[:12] if len(text) == len(canonical.sha256(b"")) else text


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
