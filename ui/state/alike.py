"""Cases of the workspace like the one on the screen, as far as this reader may see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log

import streamlit as st
from sqlalchemy import Connection

from clinical.assess import alike
from clinical.assess.alike import Measured, Profile
from clinical.audit import ledger
from clinical.case.assessment import Assessment
from clinical.case.case import Case
from clinical.modalities.history.words import event_words
from clinical.modalities.kit import read_by
from clinical.modalities.measurements.words import outside
from clinical.review import conclusion, progress
from clinical.review import protocol as protocol_rules
from clinical.workspace import store
from clinical.workspace.place import Place
from ui.state import models, state
from ui.state.worklist_order import Row

MOST = 5
COMPARED = 500
LOOKED_AT = 200
"""So many of the nearest are read, where others were assessed by another model."""


@dataclass(frozen=True)
class Alike:
    """One case near the one on the screen.

    Attributes:
        row: of the worklist.
        suggested: diagnoses that its assessment shows at or above their threshold.
        held: name and diagnoses of each reader who signed, or of the adjudicator alone; empty
            while nobody has, or where their reading is kept from this reader.
        shares: abnormal values and history that both cases have, in words.
    """

    row: Row
    suggested: tuple[str, ...]
    held: tuple[tuple[str, tuple[str, ...]], ...]
    shares: tuple[str, ...]


def nearest(shown: state.Reading) -> list[Alike]:
    """Up to `MOST` cases of other patients that the same model finds most like this one.

    A case whose suggestions are kept from this reader is not among them.
    """
    rows = _others(shown.case)
    every = _profiles()
    query = {
        s.diagnosis: s.probability
        for s in shown.assessment.suggestions
        if s.withheld_because is None
    }
    ranked = alike.nearest(query, {i: every[i] for i in rows.keys() & every.keys()})
    found: list[Alike] = []
    with state.engine().connect() as connection:
        for one in ranked[:LOOKED_AT]:
            _, other = store.require_assessment(connection, one.case_id)
            if other.model.digest == shown.assessment.model.digest:
                found.append(_described(connection, shown, rows[one.case_id], other))
            if len(found) == MOST:
                break
    return found


def sharing(shown: state.Reading) -> list[Alike]:
    """Up to `MOST` cases of other patients with the most abnormal values and history in common.

    For a case of which the model says nothing. What few cases have counts for more: the logarithm
    of all cases by those that have it. Looked at are the `COMPARED` cases decided last.
    """
    rows = _others(shown.case)
    last = sorted(rows, key=lambda name: rows[name].moment, reverse=True)[:COMPARED]
    every = {name: traits for name, traits in _traits().items() if name in last}
    rare = Counter(trait for traits in every.values() for trait in traits)
    mine = _abnormal(shown.case) | _history(shown.case)
    worth = {
        name: sum(log(len(every) / rare[trait]) for trait in traits & mine.keys())
        for name, traits in every.items()
    }
    ranked = sorted((name for name in worth if worth[name] > 0), key=lambda n: (-worth[n], n))
    found = []
    with state.engine().connect() as connection:
        for name in ranked[:MOST]:
            _, other = store.require_assessment(connection, name)
            found.append(_described(connection, shown, rows[name], other))
    return found


def comparable(case: Case) -> bool:
    """Whether it has anything that `sharing` compares."""
    return bool(_abnormal(case) or _history(case))


def measured(assessment: Assessment) -> Measured | None:
    """How good this search is with the model that assessed the case, where somebody measured it.

    Raises:
        ModelError: if the figures are of another checkpoint.
    """
    card = next((c for c in models.known() if c.digest == assessment.model.digest), None)
    return alike.measured(card.folder, card.digest) if card else None


def _others(mine: Case) -> dict[str, Row]:
    """Cases of other patients whose suggestions this reader may see, by their names."""
    return {
        row.entry.case_id: row
        for row in state.rows()
        if row.entry.top and row.patient != mine.patient_id and row.entry.case_id != mine.case_id
    }


def _described(connection: Connection, shown: state.Reading, row: Row, other: Assessment) -> Alike:
    case_id = row.entry.case_id
    case = store.get_case(connection, case_id, with_pixels=False, input_digest=other.input_digest)
    mine = shown.case
    return Alike(
        row,
        tuple(_suggested(other)),
        tuple(_held(connection, case_id)),
        (*_both(_abnormal(mine), _abnormal(case)), *_both(_history(mine), _history(case))),
    )


def _suggested(assessment: Assessment) -> list[str]:
    return [
        s.diagnosis
        for s in assessment.suggestions
        if s.withheld_because is None and s.probability >= s.threshold
    ]


def _held(connection: Connection, case_id: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Who holds what; the adjudicator alone where there was one."""
    past = ledger.events(connection, case_id=case_id)
    protocol = protocol_rules.in_force(connection)
    seen = progress.visible(past, state.reader(), state.role(), protocol, case_id)
    now = progress.progress(seen)
    if now.adjudicated:
        yield now.adjudicated.adjudicator, tuple(sorted(now.adjudicated.present))
        return
    for reader in now.signed:
        yield reader.name, tuple(sorted(conclusion.concluded(reader)))


def _abnormal(case: Case) -> dict[str, str]:
    """Code and side to words, of the latest value of each measurement."""
    latest = {
        item.code: item
        for kit, _, value in read_by(case)
        for item in sorted(kit.measured(value), key=lambda m: m.time.isoformat() if m.time else "")
    }
    marks = {code: outside(item) for code, item in latest.items()}
    return {f"{code} {mark}": f"{latest[code].name} {mark}" for code, mark in marks.items() if mark}


def _history(case: Case) -> dict[str, str]:
    return {
        item.code: event_words(item)
        for kit, _, value in read_by(case)
        for item in kit.coded(value)
        if item.present
    }


def _both(one: dict[str, str], other: dict[str, str]) -> list[str]:
    return [words for key, words in one.items() if key in other]


def _profiles() -> Mapping[str, Profile]:
    with state.engine().connect() as connection:
        head = ledger.head(connection)
    return _profiles_at(state.workspace(), head.hash)


@st.cache_resource(show_spinner=False, max_entries=2)
def _profiles_at(place: Place, head: str) -> Mapping[str, Profile]:  # noqa: ARG001  (cache key)
    with state.engine().connect() as connection:
        return store.shown_probabilities(connection)


def _traits() -> Mapping[str, frozenset[str]]:
    with state.engine().connect() as connection:
        head = ledger.head(connection)
    return _traits_at(state.workspace(), head.hash)


@st.cache_resource(show_spinner=False, max_entries=2)
def _traits_at(place: Place, head: str) -> Mapping[str, frozenset[str]]:  # noqa: ARG001  (cache key)
    """Abnormal values and history of the cases decided last, by their keys."""
    last = sorted(state.rows(), key=lambda row: row.moment, reverse=True)[:COMPARED]
    with state.engine().connect() as connection:
        cases = [store.get_case(connection, row.entry.case_id, with_pixels=False) for row in last]
    return {case.case_id: frozenset(_abnormal(case) | _history(case)) for case in cases}
