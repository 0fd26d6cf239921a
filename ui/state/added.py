"""Read what was entered on the page, save it as a case, and have it assessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st
from sqlalchemy import Connection

from clinical.audit import ledger
from clinical.case.case import Case, Problem
from clinical.cohorts import entered
from clinical.errors import ReviewError
from clinical.modalities.kit import arrays
from clinical.review import intake
from clinical.workspace import store
from clinical.workspace.database import writing
from clinical.workspace.place import Place
from ui.access import presence
from ui.state import adding, assessing, entry_fields, models, state
from ui.state.adding import Draft


@dataclass(frozen=True, eq=False)
class Preview:
    """What would be saved now.

    Attributes:
        case: as it was read; None where it cannot be.
        problems: what is not used, and why.
        hindrances: what has to be mended before it can be saved, a sentence each.
        asked: fields that have to be filled in, to what they ask for.
        unread: digests of the files that are no part of the case.
    """

    case: Case | None
    problems: tuple[Problem, ...]
    hindrances: tuple[str, ...]
    asked: Mapping[str, str]
    unread: frozenset[str]


def preview(draft: Draft) -> Preview:
    """Read what stands in the fields, as every cohort is read."""
    fields = {str(key): value for key, value in st.session_state.items()}
    with state.engine().connect() as connection:
        free = intake.next_free(connection)
        what = entry_fields.entered(fields, draft.files, draft.corrects or free)
        known = what.case_id != draft.corrects and intake.knows(connection, what.case_id)
    asked = entry_fields.unanswered(fields, draft.files)
    found = draft.read(what)
    case, problems = found.case, found.problems
    held = {array.source.get("dataset_digest") for _, array in arrays(case)} if case else set()
    unread = frozenset(file.digest for file in draft.files if file.digest not in held)
    if draft.former is not None and case is not None and fields.get(entry_fields.KEEP, True):
        case, more = entered.keeping(case, draft.former)
        problems = (*problems, *more)
    hindrances = []
    if why := entered.unsafe(what.case_id):
        hindrances.append(f"{why} {entered.SAFE_REMEDY}")
    elif known:
        hindrances.append(
            f"The workspace knows a case {what.case_id} already: choose another name."
        )
    if not what.decision_time:
        hindrances.append("Write when the decision is needed: nothing later than that is used.")
    if not what.patient_id:
        hindrances.append("Write the patient's id; DICOM files have to carry the same.")
    if asked:
        hindrances.append("Answer what is asked beside the files.")
    if unread and case is not None:
        hindrances.append("Remove the files that cannot be read, or mend what is said beside them.")
    if case is None and not hindrances:
        hindrances.append("The case cannot be read yet; the messages say what is missing.")
    return Preview(case, problems, tuple(hindrances), asked, unread)


def save(draft: Draft) -> str:
    """Save the case of a draft under this reader's name and have it assessed; returns its case_id.

    The draft is dropped, with its files.

    Every model that is installed is asked; where none is, the case is read without suggestions.

    Args:
        draft: with fields and files.

    Raises:
        AccessRefused: if the role does not allow it.
        ReviewError: if something has to be mended first, or the workspace has changed meanwhile.
    """
    presence.require("add_cases")
    shown = preview(draft)
    case = shown.case
    if case is None or shown.hindrances:
        raise ReviewError(
            " ".join(shown.hindrances) or "The case cannot be read.",
            remedy="mend what the page names, and save again.",
        )
    chosen = str(st.session_state.get(entry_fields.CASE_ID) or "").strip()
    with writing(state.engine()) as connection:
        if not draft.corrects and not chosen:
            case = _freely_named(connection, case)
        version = draft.version if draft.corrects else None
        intake.record_added(connection, case, state.reader(), corrects=version)
    adding.drop(draft)
    forget()
    if models.asked():
        _begin(case.case_id)
    return case.case_id


def assess(case_id: str) -> None:
    """Have a case assessed that was saved without.

    Raises:
        AccessRefused: if the role does not allow it.
        ReviewError: if no model is installed.
    """
    presence.require("add_cases")
    if not models.asked():
        raise ReviewError("No model is installed.", remedy="read the case without suggestions.")
    _begin(case_id)


def _begin(case_id: str) -> None:
    with state.engine().connect() as connection:
        versions = store.versions(connection, case_id)
    folders = [one.folder for one in models.asked()]
    assessing.begin(state.workspace(), state.reader(), case_id, versions, folders)


def waiting(most: int) -> tuple[str, ...]:
    """The cases that were added last and that no model has assessed."""
    with state.engine().connect() as connection:
        head = ledger.head(connection)
    return _waiting(state.workspace(), head.hash, most)


@st.cache_resource(show_spinner=False, max_entries=4)
def _waiting(place: Place, head: str, most: int) -> tuple[str, ...]:  # noqa: ARG001  (cache key)
    with presence.opened(place).connect() as connection:
        return tuple(intake.waiting(connection, most))


def correct(draft: Draft, case_id: str) -> None:
    """Begin to correct a case: its record stands in the fields from the next run on.

    Raises:
        AccessRefused: if the role does not allow it.
        StoreError: if the workspace does not hold the case.
    """
    presence.require("add_cases")
    with state.engine().connect() as connection:
        case = store.get_case(connection, case_id)
        version = store.record_of(connection, case_id) or ""
    adding.drop(draft)
    forget()
    begun = adding.current()
    begun.corrects, begun.version, begun.former = case_id, version, case
    begun.fields |= entry_fields.of_case(case)


def start_over(draft: Draft) -> None:
    """Drop what was entered."""
    adding.drop(draft)
    forget()


def forget() -> None:
    """Empty the fields."""
    for key in [key for key in st.session_state if str(key).startswith(entry_fields.PREFIX)]:
        del st.session_state[key]


def _freely_named(connection: Connection, case: Case) -> Case:
    """With the name that is free at this moment: somebody else may have taken the one before."""
    name = intake.next_free(connection)
    problems = tuple(replace(p, case_id=name if p.case_id else "") for p in case.problems)
    return replace(case, case_id=name, problems=problems)
