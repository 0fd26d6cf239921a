"""Sign a reading; show a signed or adjudicated reading; reopen it with a reason."""

from __future__ import annotations

import streamlit as st

from clinical.review import comment as comment_rules
from clinical.review import conclusion
from clinical.review import signature as signature_rules
from clinical.review.decisions import ACTED
from clinical.review.progress import Reader, RecordedDecision
from clinical.review.signature import AMEND_REASONS, MEANINGS
from ui.access import identity, presence
from ui.panels import diagnosis_field, passkey_panel
from ui.panels.attempt import attempt, tell
from ui.state import desk, state
from ui.state.desk import OpenCase
from ui.words import phrasing
from ui.words.markup import Markup, chip, tag

PASSWORD, AMENDING = "sign-password", ("amend-reason", "amend-comment")  # fields of the forms


def closed(shown: OpenCase) -> bool:
    """Whether this reader has nothing more to decide: signed, or the case is adjudicated."""
    return shown.mine.signature is not None or shown.progress.adjudicated is not None


def render(shown: OpenCase) -> None:
    """What is about to be signed, in words, and the button that signs it."""
    with st.form(_form(shown, "sign"), enter_to_submit=False):
        st.html(
            tag(
                "section",
                tag("h3", "What you are about to sign"),
                _list(shown.mine),
                class_="signing",
            )
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            meaning = f"Sign as {state.reader()}: {MEANINGS[desk.signature(shown).meaning]}."
            st.html(tag("p", meaning, class_="meaning"), width="content")
            if identity.asked():
                _password(shown)
            if shown.protocol.passkey:
                passkey_panel.render(desk.signature(shown))
            st.form_submit_button(
                f"Sign as {state.reader()}",
                key="confirm-sign",
                type="primary",
                shortcut="ctrl+enter",
                on_click=_sign,
                args=(shown,),
            )
            st.form_submit_button("Cancel", key="cancel-sign", on_click=state.cancel)
        desk.watch(shown, "form")


def _form(shown: OpenCase, task: str) -> str:
    return f"{task}-{shown.case.case_id}"


def _password(shown: OpenCase) -> None:
    """21 CFR 11.200: what is signed on its own asks for the signer's identity again."""
    key = diagnosis_field.key_in(_form(shown, "sign"), PASSWORD)
    st.text_input("Your password", type="password", key=key, width=220, autocomplete="off")


def _sign(shown: OpenCase) -> None:
    key = diagnosis_field.key_in(_form(shown, "sign"), PASSWORD)
    password = str(st.session_state.get(key) or "")
    attempt(lambda: desk.sign(shown, password))


def render_closed(shown: OpenCase) -> None:
    """Who signed when and what it means, and what may still be done."""
    lines = [_signed_line(reader) for reader in shown.progress.signed]
    if shown.progress.adjudicated is not None:
        lines.append(adjudicated_line(shown))
    elif waiting := _waiting(shown):
        lines.append(tag("p", waiting, class_="quiet"))
    if not presence.can("decide"):
        words = f"An account with the role {state.role()} can view cases but not decide on them."
        lines.append(tag("p", words, class_="quiet"))
    open_again = shown.progress.adjudicated is None and shown.mine.signature is not None
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="closed"):
        st.html(tag("div", *lines, class_="signatures"), width="content")
        if open_again:
            st.button("Amend", key="amend", on_click=state.begin, args=("amend",))
    with st.container(key="reasons"):
        if open_again and state.pending() == "amend":
            _amend_form(shown)
        tell()


def adjudicated_line(shown: OpenCase) -> Markup:
    """The last word on readings that differed."""
    last = shown.progress.adjudicated
    if last is None:
        return tag("p")
    held = ", ".join(phrasing.diagnosis(name) for name in last.present) or "no diagnosis"
    return tag(
        "p",
        chip("adjudicated", "good"),
        f"by {last.adjudicator} at {phrasing.utc(last.recorded)}: {held}",
    )


def said(decision: RecordedDecision) -> str:
    """One decision in words."""
    instead = f" to {phrasing.diagnosis(decision.replacement)}" if decision.replacement else ""
    sure = f", {decision.confidence} confidence" if decision.confidence else ""
    return f"{phrasing.diagnosis(decision.diagnosis)}: {ACTED[decision.action]}{instead}{sure}"


def _signed_line(reader: Reader) -> Markup:
    signature = reader.signature
    if signature is None:
        return tag("p")
    meaning = MEANINGS.get(signature.meaning, signature.meaning)
    broken = "" if signature_rules.holds(reader) else chip("does not match the decisions", "bad")
    return tag(
        "p",
        chip("signed", "good"),
        f"by {signature.name} ({signature.role}) at {phrasing.utc(signature.recorded)}: {meaning}.",
        broken,
    )


def _waiting(shown: OpenCase) -> str:
    if not shown.progress.signed:
        return "Nobody has signed a reading of this case."
    signed, needed = len(shown.progress.signed), shown.protocol.readers(shown.case.case_id)
    if signed < needed:
        return "This case needs two readers. It is waiting for the second."
    if conclusion.differ(shown.progress.signed):
        return "The signed readings differ. The case is waiting for an adjudicator."
    return "The readings agree." if signed > 1 else ""


def _list(reader: Reader) -> Markup:
    standing = sorted(reader.standing.values(), key=lambda decision: decision.sequence)
    if not standing:
        return tag("p", "No diagnosis was accepted, modified, rejected or added.")
    return tag("ul", *(tag("li", said(decision)) for decision in standing))


def _amend_form(shown: OpenCase) -> None:
    form = _form(shown, "amend")
    reason, comment = (diagnosis_field.key_in(form, name) for name in AMENDING)
    with st.form(form, enter_to_submit=False):
        fields = st.columns([4, 5, 1.5, 1], vertical_alignment="bottom")
        diagnosis_field.begin_with(reason, AMEND_REASONS)
        diagnosis_field.begin_with(comment)
        fields[0].selectbox(
            "Reason to amend",
            list(AMEND_REASONS),
            index=None,
            format_func=AMEND_REASONS.__getitem__,
            placeholder="Choose a reason",
            key=reason,
        )
        fields[1].text_input(
            "Comment",
            max_chars=comment_rules.MAX_COMMENT,
            key=comment,
            placeholder="Optional",
        )
        fields[2].form_submit_button(
            "Reopen",
            key="reopen",
            type="primary",
            width="stretch",
            on_click=_amend,
            args=(shown,),
        )
        fields[3].form_submit_button("Cancel", key="cancel", on_click=state.cancel, width="stretch")


def _amend(shown: OpenCase) -> None:
    form = _form(shown, "amend")
    keys = (diagnosis_field.key_in(form, name) for name in AMENDING)
    reason, comment = (str(st.session_state.get(key) or "") for key in keys)
    attempt(lambda: desk.amend(shown, reason, comment))
