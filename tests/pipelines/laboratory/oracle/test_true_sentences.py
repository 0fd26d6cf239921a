"""What the sentences of a simulated note say."""

from __future__ import annotations

from clinical.modalities.notes.encoder import sentences
from pipelines.laboratory.oracle.sentences import Said, said
from pipelines.laboratory.simulate import likelihoods
from pipelines.laboratory.simulate.clinic import draw_patient
from pipelines.laboratory.simulate.notes import Report

TABLE = likelihoods.load()
HISTORY = "history_of_presenting_illness"


def report(present: set[str], absent: set[str]) -> Report:
    made = next(p.report for p in (draw_patient(5, n) for n in range(20)) if p.report)
    return type(made)(**{**vars(made), "present": frozenset(present), "absent": frozenset(absent)})


def test_all_that_a_report_says_is_found_in_some_sentence() -> None:
    for number in range(60):
        patient = draw_patient(5, number)
        if patient.report is None:
            continue
        told = [
            said(note.section, note.text[first:last], patient.report, TABLE)
            for note in patient.notes
            for first, last in sentences(note.text)
        ]
        for kind in ("present", "absent", "background", "denied"):
            found = frozenset().union(*(getattr(one, kind) for one in told))
            assert found == frozenset(getattr(patient.report, kind))
        assert any(one.days for one in told)


def test_a_denial_is_no_complaint() -> None:
    made = report({"cough"}, {"fever"})
    found = said(HISTORY, "No fever.", made, TABLE)
    assert (found.present, found.absent) == (frozenset(), frozenset({"fever"}))


def test_other_words_say_nothing() -> None:
    found = said(HISTORY, "Lives with a dog.", report({"cough"}, {"fever"}), TABLE)
    assert found == Said()
