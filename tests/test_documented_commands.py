"""The commands in the documents exist, with every option that they are shown with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from pipelines.cli import app

ROOT = Path(__file__).parents[1]

DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
    ROOT / "sample_data" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "sample_data" / "studies").glob("*.toml")),
]

NOT_COMMANDS = ("tree head 1", "tree head 2", "key rotation 1")
"""Statements that begin with the name as well; signatures are over them."""

_SHOWN = re.compile(r"(?:^[ #]*|`|\$ )triptych +([^`\n]*)", re.MULTILINE)
_PLACEHOLDER = re.compile(r"[A-Z.]|\.\.\.")


def shown(text: str) -> Iterator[list[str]]:
    """The words after each `triptych` at the start of a line or of a code span, comment cut off."""
    for found in _SHOWN.finditer(text):
        words = re.sub(r"\s#.*", "", found[1])
        words = re.sub(r'"[^"]*"', "TEXT", words)
        named = re.findall(r"[\w./:@=-]+", words)
        if named and " ".join(named) not in NOT_COMMANDS:
            yield named


def resolved(words: list[str]) -> tuple[Any, list[str]]:
    """The command that `words` begin with, and the rest.

    Raises:
        AssertionError: if there is no such command.
    """
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        if _PLACEHOLDER.match(rest[0]):
            break
        assert rest[0] in command.commands, f"triptych {' '.join(words)}"
        command = command.commands[rest.pop(0)]
    return command, rest


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_commands_in_the_documents_exist(file: Path) -> None:
    for words in shown(file.read_text(encoding="utf-8")):
        command, rest = resolved(words)
        known = {"--help"}
        for option in command.params:
            known |= {*option.opts, *option.secondary_opts}
        named = {word.partition("=")[0] for word in rest if word.startswith("-")}
        assert named <= known, f"triptych {' '.join(words)}"


def test_a_command_or_option_that_is_not_there_is_found() -> None:
    text = "    triptych assess PATH --out OUT --fast   # --slow is gone\nand `triptych asess`"
    first, second = shown(text)
    assert first == ["assess", "PATH", "--out", "OUT", "--fast"]
    assert "--fast" not in {name for option in resolved(first)[0].params for name in option.opts}
    with pytest.raises(AssertionError, match="asess"):
        resolved(second)
