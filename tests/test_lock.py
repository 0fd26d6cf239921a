"""The lock: every package that `make setup` installs, each file by its SHA-256, but PyTorch."""

from __future__ import annotations

import re
from pathlib import Path

from dependencies import installed, plain

ROOT = Path(__file__).parents[1]
REMEDY = "run `make lock`"


def locked() -> dict[str, tuple[str, list[str]]]:
    """Name to version and hashes."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    parts = [re.split(r"==| ", line, maxsplit=2) for line in lines]
    return {
        plain(name): (version, re.findall(r"--hash=sha256:([0-9a-f]{64})\b", rest))
        for name, version, rest in parts
    }


def constrained() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {plain(name): version for name, version in pairs}


def test_every_package_is_locked_by_hash() -> None:
    assert len(locked()) > 90
    assert [name for name, (_, hashes) in locked().items() if not hashes] == []


def test_the_lock_says_what_the_constraints_say() -> None:
    pinned = constrained()
    other = {
        name: (version, pinned[name])
        for name, (version, _) in locked().items()
        if name in pinned and pinned[name] != version
    }
    assert other == {}, REMEDY


def test_whatever_is_needed_here_is_locked_but_pytorch_and_what_only_it_brings() -> None:
    needed = installed("dev", without=frozenset({"torch"}))
    assert set(needed) - set(locked()) == set(), REMEDY
    assert "torch" in constrained()
    assert not [name for name in locked() if re.match(r"(torch|triton|nvidia|cuda)\b", name)]
