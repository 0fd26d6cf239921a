"""Films and recordings of a case that is entered, and what they do not say themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import streamlit as st

from clinical.case.case import Case
from clinical.case.shapes import Arrays
from clinical.cohorts import received
from clinical.cohorts.received import Received, Refused
from clinical.modalities.kit import arrays, kit_of
from ui.access import presence
from ui.panels import entry_messages, frame
from ui.panels.attempt import attempt
from ui.state import entry_fields
from ui.state.added import Preview
from ui.state.adding import Draft
from ui.state.entry_fields import file_key
from ui.state.uploads import release
from ui.words.markup import Markup, photograph, tag

ROUND = "triptych_upload_round"  # another key empties the field once its files are kept
LISTED = 6  # refused files that are named one by one


def render(draft: Draft, shown: Preview) -> None:
    """The two fields to drop files into, and each file with its questions and messages."""
    most = f"up to {received.LIMITS.files} files, {received.LIMITS.whole // received.MB} MB"
    st.html(frame.panel_title("Films and recordings", most))
    number = st.session_state.get(ROUND, 0)
    files, folder = st.columns([62, 38], gap="small")
    key = f"upload-files-{number}"
    files.file_uploader(
        "DICOM, PNG, JPEG, ECG (WFDB, CSV), or a ZIP of them",
        accept_multiple_files=True,
        key=key,
        on_change=_take,
        args=(draft, key),
    )
    key = f"upload-folder-{number}"
    folder.file_uploader(
        "A folder, such as a disc with its DICOMDIR",
        accept_multiple_files="directory",
        key=key,
        on_change=_take,
        args=(draft, key),
    )
    _refused(draft.refused)
    with st.container():
        if draft.former is not None and any(arrays(draft.former)):
            words = "Keep the films and recordings of the version before"
            st.checkbox(words, key=entry_fields.KEEP)
    entry_messages.put(_several(shown.case))
    with st.container():
        for file in draft.files:
            _file(draft, shown, file)
    unread = [file for file in draft.files if file.digest in shown.unread]
    if shown.case is not None and len(unread) > 1:
        st.button(
            f"Remove the {len(unread)} that cannot be read",
            key="do-remove-unread",
            on_click=_remove,
            args=(draft, unread),
        )


def _several(case: Case | None) -> Markup | None:
    number = len(studies(case))
    if number < 2:
        return None
    remedy = "Mark those of an earlier visit, or remove what does not belong."
    return entry_messages.lines([(f"The films are of {number} studies.", remedy)], "warn")


def studies(case: Case | None) -> set[str]:
    """The studies that the films to be read are of; one of an earlier visit is meant to differ."""
    found = {
        array.source.get("StudyInstanceUID", "")
        for name, array in (arrays(case) if case else ())
        if not name.startswith("prior_")
    }
    return found - {""}


def _take(draft: Draft, key: str) -> None:
    uploads = st.session_state.get(key) or []

    def take() -> None:
        presence.require("add_cases")
        draft.receive([(one.name, one.getvalue()) for one in uploads if hasattr(one, "getvalue")])

    attempt(take)
    release(uploads)
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1


def _remove(draft: Draft, files: Sequence[Received]) -> None:
    for file in files:
        draft.remove(file)


def _refused(refused: Sequence[Refused]) -> None:
    faults = [one for one in refused if not one.expected]
    if len(faults) > LISTED:  # a disc has a viewer and its manual on it
        counted = Counter(one.reason for one in faults)
        pairs = [(f"{number} files were left out. {why}", "") for why, number in counted.items()]
    else:
        pairs = [(f"{one.name} was left out. {one.reason}", one.remedy) for one in faults]
    pairs += [(f"{one.name}: {one.reason}", "") for one in refused if one.expected][:LISTED]
    entry_messages.put(entry_messages.lines(pairs, "note") if pairs else None)


def _file(draft: Draft, shown: Preview, file: Received) -> None:
    messages = entry_messages.about_file(shown.problems, draft.files, file)
    with st.container(border=True, key=f"file-{file.digest[:16]}"):
        picture, fields = st.columns([18, 82], gap="small", vertical_alignment="top")
        picture.html(_picture(shown.case, file))
        with fields:
            line, button = st.columns([82, 18], vertical_alignment="center")
            line.html(
                tag(
                    "p", tag("b", file.name), tag("span", _caption(shown.case, file)), class_="file"
                )
            )
            button.button(
                "Remove",
                key=f"do-remove-{file.digest[:16]}",
                on_click=_remove,
                args=(draft, [file]),
            )
            _questions(file)
            for what in ("photometric", "view", "rate", "unit"):
                entry_messages.ask(shown.asked.get(file_key(what, file)))
            entry_messages.show(messages, "bad" if file.digest in shown.unread else "warn")


def _questions(file: Received) -> None:
    def choose(place: Any, label: str, what: str, options: dict[str, str]) -> None:
        place.selectbox(
            label,
            list(options),
            index=0 if what == "role" or file.sort not in ("picture", "samples") else None,
            format_func=options.__getitem__,
            placeholder="Choose",
            key=file_key(what, file),
        )

    places = st.columns(4 if file.sort in ("picture", "samples") else 3, gap="small")
    choose(places[0], "Visit", "role", entry_fields.FILE_ROLES)
    if file.sort == "picture":
        choose(places[1], "View", "view", entry_fields.PICTURE_VIEWS)
        choose(places[2], "Photometric", "photometric", entry_fields.PHOTOMETRICS)
    elif file.sort == "image":
        choose(places[1], "View", "view", entry_fields.VIEWS)
    elif file.sort == "samples":
        label, key = "Samples per second", file_key("rate", file)
        places[1].text_input(label, placeholder="500", max_chars=20, key=key)
        choose(places[2], "Unit", "unit", entry_fields.UNITS)
    places[-1].text_input("Taken at", placeholder="as the file says", key=file_key("time", file))


def _picture(case: Case | None, file: Received) -> Markup:
    found = _drawn(case, file)
    if found is None:
        return tag("p", "no picture yet", class_="empty")
    return photograph(found[0], f"{file.name} as it was read", "film")


def _caption(case: Case | None, file: Received) -> str:
    found = _drawn(case, file)
    return found[1] if found else ""


def _drawn(case: Case | None, file: Received) -> tuple[str, str] | None:
    """Small picture and caption, with its window, of what was read of a file."""
    for name, array in arrays(case) if case else ():
        if array.source.get("dataset_digest") == file.digest:
            return _small(name, array.digest, Arrays((array,)))
    return None


@st.cache_resource(show_spinner=False, max_entries=64)
def _small(name: str, digest: str, _value: Arrays) -> tuple[str, str] | None:  # noqa: ARG001
    found = kit_of(name, _value).pictures(name, _value, None)
    return (found[0].uri, found[0].caption) if found else None
