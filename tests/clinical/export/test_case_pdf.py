"""One case as a PDF: what is in it, what is recorded of it, and from whom it is kept."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from printed_file import needs_poppler, text_of
from sqlalchemy import Engine, update

from clinical.audit import ledger, verify
from clinical.errors import ReviewError
from clinical.export.case_pdf import CasePdf, make_case_pdf
from clinical.review import intake
from clinical.review import protocol as protocol_rules
from clinical.review.decisions import record_decision
from clinical.review.protocol import Protocol
from clinical.wording import RESEARCH_USE
from clinical.workspace.database import writing
from clinical.workspace.layout import ASSESSMENTS


def made(workspace: Engine, reader: str, case_id: str = "case-1") -> CasePdf:
    return make_case_pdf(workspace, case_id, actor=reader, role="reader")


@needs_poppler
def test_it_shows_the_record_as_it_stands(workspace: Engine, example: Any) -> None:
    digest, _ = example.recorded(workspace)
    example.recorded(workspace, example.case("case-2"))
    intake.record_opened(workspace, "case-1", example.reader)
    with writing(workspace) as connection:
        turned = {"action": "reject", "reason": "other", "comment": "The film was turned."}
        record_decision(connection, example.decision(digest, **turned))
    with workspace.connect() as connection:
        head = ledger.head(connection)

    words = text_of(made(workspace, example.reader).data)
    whole = "".join(words.replace("\u200b", "").split())  # digests may be broken
    assert RESEARCH_USE in words
    assert "The film was turned." in words
    assert head.hash in whole, "where the ledger stood"
    assert "patientofcase-1" in whole
    assert "case-2" not in whole, "no other case is in it"


def test_it_is_an_event_of_its_case_that_names_the_file(workspace: Engine, example: Any) -> None:
    example.recorded(workspace)
    with workspace.connect() as connection:
        head = ledger.head(connection)
    pdf = made(workspace, example.reader)
    with workspace.connect() as connection:
        last = list(ledger.events(connection, case_id="case-1"))[-1]
        assert verify.verify(connection).intact

    assert (last.kind, last.actor, last) == ("EXPORTED", example.reader, pdf.event)
    assert last.payload == {
        "what": "case_pdf",
        "cases": 1,
        "pdf": hashlib.sha256(pdf.data).hexdigest(),
        "head": {"sequence": head.sequence, "hash": head.hash},
    }


@pytest.mark.parametrize(
    ("protocol", "kept"),
    [
        (Protocol(first_read=True), "model's suggestions"),
        (Protocol(second_share=1.0), "other reader's decisions"),
    ],
)
def test_what_is_kept_from_a_reader_is_in_no_pdf_of_theirs(
    workspace: Engine, example: Any, protocol: Protocol, kept: str
) -> None:
    example.recorded(workspace)
    protocol_rules.set_protocol(workspace, protocol, "dr.chief")
    with pytest.raises(ReviewError, match=kept):
        made(workspace, "dr.new")

    auditor = make_case_pdf(workspace, "case-1", actor="eve", role="auditor")
    assert auditor.data.startswith(b"%PDF"), "who may not decide reads nothing blind"


def test_a_case_that_is_not_there_has_none(workspace: Engine, example: Any) -> None:
    with pytest.raises(ReviewError, match="nothing to read"):
        made(workspace, example.reader, "case-9")


@needs_poppler
def test_a_case_that_was_changed_in_the_store_has_a_page_that_says_so(
    workspace: Engine, example: Any
) -> None:
    example.recorded(workspace)
    with writing(workspace) as connection:
        connection.execute(update(ASSESSMENTS).values(record="{}"))
    assert "cannot be shown" in text_of(made(workspace, example.reader).data)
