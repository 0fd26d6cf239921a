"""Choose diagnoses: a search over a list, and a field for any other code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinical.case.assessment import Confidence
from clinical.terms.diagnoses import diagnoses
from ui.state import state
from ui.words import phrasing

CONFIDENCES: tuple[Confidence, ...] = get_args(Confidence)
CODE_EXAMPLE = "ICD-10:J18.9"


def options(named: Iterable[str], without: Iterable[str] = ()) -> dict[str, str]:
    """What may be chosen, to how it is listed.

    Args:
        named: diagnoses of a model's list, first.
        without: diagnoses that are not offered; neither is a listed one of the same name.
    """
    first = {name: phrasing.named(name) for name in named}
    taken = {phrasing.named(name).casefold() for name in (*first, *without)}
    listed = {
        code: " · ".join(part for part in (item.name, code.replace(":", " "), item.also) if part)
        for code, item in diagnoses().items()
        if item.name.casefold() not in taken
    }
    return first | listed


def key_in(form: str, field: str) -> str:
    """What a field of a form is called on the page: in each form something else.

    Where two forms have a field of the same key, Streamlit keeps what was typed into one on the
    screen when the other comes (the browser's Back leads from one case to the next), and sends
    nothing of it.

    Args:
        form: name of the form, which names its case too.
        field: name of the field.
    """
    return f"{field}-{hashlib.sha256(form.encode()).hexdigest()[:8]}"


def one(
    form: str,
    label: str,
    choices: Mapping[str, str],
    search: DeltaGenerator,
    code: DeltaGenerator,
) -> None:
    """Ask in a form for one diagnosis of the list, or a code."""
    key, code_key = _keys(form, label)
    begin_with(key, choices)
    begin_with(code_key)
    search.selectbox(
        label,
        list(choices),
        index=None,
        format_func=lambda name: choices.get(name, name),
        placeholder="Search by name",
        key=key,
    )
    code.text_input("Or a code", placeholder=CODE_EXAMPLE, max_chars=60, key=code_key)


def begin_with(key: str, choices: Mapping[str, str] | None = None) -> None:
    """Put into a field what its reader left in it, where the form is resumed.

    Args:
        key: of the field.
        choices: what may be chosen, to how it is shown; None for a field of text.
    """
    left = state.left_in(key)
    if left is None:
        return
    # Also where nothing was left: the field may still hold what belongs to another case.
    if choices is None:
        st.session_state[key] = left
    else:
        st.session_state[key] = next((v for v, words in choices.items() if words == left), None)


def named(form: str, label: str) -> str:
    """What `one` was answered: the code that was typed, else the choice; "" if neither."""
    key, code_key = _keys(form, label)
    typed = str(st.session_state.get(code_key) or "")
    return typed.strip() or st.session_state.get(key) or ""


def _keys(form: str, label: str) -> tuple[str, str]:
    field = label.lower().replace(" ", "-")
    return key_in(form, field), key_in(form, f"{field}-code")


def how_sure(
    label: str, key: str, *, default: Confidence | None = None, labelled: bool = False
) -> Confidence | None:
    """Low, medium, high, or left open; `label` is for a screen reader alone unless `labelled`."""
    return st.segmented_control(
        label,
        CONFIDENCES,
        default=default,
        format_func=str.capitalize,
        key=key,
        label_visibility="visible" if labelled else "collapsed",
    )
