"""The help of every command: complete, one style, and whole words on a narrow terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from pipelines.cli import app, main
from pipelines.commands.former_names import FORMER_NAMES

WIDEST = 79

VERBS = (
    "adapt add analyse assess backup check collect compare compute convert create demo"
    " disable enable evaluate export find gather import index inspect judge list plan pretrain"
    " prove purge receive remove replay report restore rotate run search send serve set show"
    " sign simulate teach train use verify"
)
"""A new command is added here by hand: is its name a verb?"""

NOUNS = (
    "account",
    "audit",
    "films",
    "models",
    "reading",
    "retrieval",
    "study",
    "weights",
    "workspace",
)


def walk(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group below `command`, with the words that name it."""
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, (*words, name))


COMMANDS = dict(walk(typer.main.get_command(app)))


def options(command: Any) -> list[Any]:
    return [found for found in command.params if found.name != "help"]


@pytest.fixture(params=COMMANDS, ids=lambda words: " ".join(words) or "triptych")
def words(request: pytest.FixtureRequest) -> tuple[str, ...]:
    named: tuple[str, ...] = request.param
    return named


def test_a_command_is_a_verb_and_a_group_a_noun() -> None:
    groups = {
        words[-1] for words, found in COMMANDS.items() if words and hasattr(found, "commands")
    }
    commands = {words[-1] for words in COMMANDS if words} - groups
    assert {name.partition("-")[0] for name in commands} == set(VERBS.split())
    assert sorted(groups) == sorted(NOUNS)


def test_every_command_says_what_it_does_in_one_line(words: tuple[str, ...]) -> None:
    first, _, rest = (COMMANDS[words].help or "").partition("\n")
    assert first[:1].isupper()
    assert first.endswith(".")
    assert len(first) <= WIDEST or not words
    assert not rest or rest.endswith(".")


def test_every_option_has_help_that_is_a_sentence(words: tuple[str, ...]) -> None:
    for option in options(COMMANDS[words]):
        assert option.help, option.name
        assert option.help[0].isupper(), option.help
        assert option.help.endswith((".", "...")), option.help


def test_no_word_of_the_help_is_broken_on_a_narrow_terminal(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*words, "--help"], {}) == 0
    shown = capsys.readouterr().out
    assert max(len(line) for line in shown.splitlines()) <= WIDEST + 1
    command = COMMANDS[words]
    told = [command.help, *(option.help for option in options(command))]
    told += [found.help.partition("\n")[0] for found in getattr(command, "commands", {}).values()]
    written = set(re.split(r"[\s│]+", shown))
    assert {word for text in told for word in text.split()} <= written
    names = {name for option in options(command) for name in option.opts if name[0] == "-"}
    assert all(re.search(rf"{re.escape(name)}(?![\w-])", shown) for name in names)


@pytest.mark.parametrize(("old", "new"), FORMER_NAMES.items())
def test_an_old_name_is_an_error_that_names_the_new_one(
    old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tuple(new.split()) in COMMANDS
    assert tuple(old.split()) not in COMMANDS
    assert main([*old.split(), "--workspace", "nowhere"], {}) == 2
    assert f"`triptych {old}` is now `triptych {new}`" in capsys.readouterr().err
