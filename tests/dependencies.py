"""The packages that pyproject.toml leads to, as far as they are installed here."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def plain(name: str) -> str:
    """The name of a package in the one way that all others mean."""
    return re.sub(r"[-_.]+", "-", name).lower()


def project() -> dict[str, Any]:
    """What pyproject.toml says of the project."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(found["project"])


def extras() -> list[str]:
    """The names of all extras."""
    return list(project()["optional-dependencies"])


def installed(*chosen: str, without: frozenset[str] = frozenset()) -> dict[str, Distribution]:
    """Packages by name: what the project and these extras name, and all that those need in turn.

    Args:
        chosen: names of extras.
        without: packages that are not followed.
    """
    named = list(project()["dependencies"])
    for extra in chosen:
        named += project()["optional-dependencies"][extra]
    waiting, seen = [Requirement(name) for name in named], set()
    found: dict[str, Distribution] = {}
    while waiting:
        wanted = waiting.pop()
        key = (plain(wanted.name), frozenset(wanted.extras))
        if key in seen or key[0] in without:
            continue
        seen.add(key)
        try:
            found[key[0]] = distribution(wanted.name)
        except PackageNotFoundError:
            continue
        waiting += _needs(found[key[0]], wanted.extras)
    return found


def _needs(package: Distribution, chosen: set[str]) -> list[Requirement]:
    needs = [Requirement(text) for text in package.requires or ()]
    asked = [{"extra": extra} for extra in ("", *chosen)]
    return [
        need
        for need in needs
        if need.marker is None or any(need.marker.evaluate(extra) for extra in asked)
    ]
