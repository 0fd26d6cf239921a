"""The figures of the agreement report on a workspace whose every figure is counted by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import log, sqrt
from typing import Any

import pytest
from sqlalchemy import Engine
from two_months import ALPHA, BETA, CRP, FEBRUARY, JANUARY, two_months

from clinical.review.switches import Truth
from pipelines.agreement.findings import Findings, find
from pipelines.agreement.readings import Window
from pipelines.agreement.reference import Reference
from pipelines.statistics.proportions import wilson

TRUTHS: dict[str, Truth] = {
    "B1": {"pneumonia": False, "effusion": True},
    "B5": {"pneumonia": True, "effusion": None},
}
KEPT = Reference(
    digest="a" * 64,
    validation_cases=100,
    missing={"image": 0.05, "measurements": 0.0},
    placed=("image",),
    edges={CRP: tuple(float(edge) for edge in range(9))},
    measured_in="measurements",
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = two_months(tmp_path_factory.mktemp("agreement") / "workspace")
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def found(engine: Engine) -> Findings:
    return counted(engine)


def counted(
    engine: Engine,
    window: Window | None = None,
    known: Mapping[str, Reference] | None = None,
    truths: Mapping[str, Truth] | None = None,
) -> Findings:
    with engine.connect() as connection:
        return find(connection, window or Window(), known or {}, truths or {})


def row(rows: Sequence[Any], **fields: str) -> Any:
    (one,) = (r for r in rows if all(getattr(r, name) == v for name, v in fields.items()))
    return one


def test_what_is_counted_and_what_is_not(found: Findings) -> None:
    counts = found.counts
    assert found.verdict.intact
    assert (counts.cases, counts.readings, counts.readers) == (12, 17, 2)
    assert counts.models == (ALPHA, BETA) == counts.without_reference
    assert (counts.assessed, counts.not_read, counts.purged) == (13, 0, 1)
    assert counts.unsigned == 1  # dr.two on A6


def test_readers_and_machine(found: Findings) -> None:
    january = row(found.acceptance, model=ALPHA, reader="", period=JANUARY)
    assert (january.opened, january.signed, january.decisions) == (12, 11, 12)
    assert (january.suggested, january.accepted, january.modified) == (11, 9, 1)
    assert (january.rejected, january.added) == (1, 1)
    assert january.agreement.value == pytest.approx(9 / 11)
    assert (january.agreement.low, january.agreement.high) == pytest.approx(wilson(9, 11))
    assert january.same.positives == 8  # all but A1, A5 and A6 of dr.one
    one = row(found.acceptance, model=ALPHA, reader="dr.one", period=JANUARY)
    two = row(found.acceptance, model=ALPHA, reader="dr.two", period=JANUARY)
    assert (one.signed, one.accepted, one.modified, one.rejected, one.added) == (6, 4, 1, 1, 1)
    assert (one.same.positives, one.same.cases) == (3, 6)
    assert (two.opened, two.signed, two.accepted) == (6, 5, 5)


def test_what_was_not_suggested_is_added_and_of_three_no_share_is_given(found: Findings) -> None:
    one = row(found.acceptance, model=BETA, reader="dr.one", period=FEBRUARY)
    assert (one.suggested, one.accepted, one.rejected, one.added) == (3, 2, 1, 2)
    assert (one.agreement.value, one.agreement.positives, one.agreement.cases) == (None, 2, 3)
    assert one.same.value == 0.5  # B1, B3 and B5


def test_by_diagnosis(found: Findings) -> None:
    pneumonia = row(found.by_diagnosis, model=ALPHA, period=JANUARY, diagnosis="pneumonia")
    assert (pneumonia.suggested, pneumonia.accepted, pneumonia.added) == (11, 9, 0)
    assert pneumonia.overridden.value == pytest.approx(2 / 11)
    # The machine always says yes, so that all agreement is chance's.
    assert pneumonia.kappa.value == pytest.approx(0)
    effusion = row(found.by_diagnosis, model=BETA, period=FEBRUARY, diagnosis="effusion")
    # Yes by both in B1 and B3, by the machine alone in B2: (5/6 - 1/2) / (1 - 1/2).
    assert effusion.kappa.value == pytest.approx(2 / 3)
    assert {r.diagnosis for r in found.by_diagnosis} == {"pneumonia", "effusion"}  # no code


def test_overrides_have_their_reasons(found: Findings) -> None:
    rows = [r for r in found.overrides if (r.model, r.period, r.diagnosis) == (ALPHA, "", "")]
    counts = {r.reason: (r.modified, r.rejected) for r in rows}
    assert counts == {"lab_explains": (0, 1), "other_diagnosis_more_likely": (1, 0)}
    one = row(found.overrides, model=BETA, period=FEBRUARY, diagnosis="effusion")
    assert (one.reason, one.rejected, one.share.cases) == ("finding_is_artifact", 1, 1)


def test_changes_after_the_first_read(engine: Engine, found: Findings) -> None:
    blind = row(found.switched, model=BETA, reader="dr.one", period=FEBRUARY)
    assert (blind.readings, blind.judged, blind.kept) == (6, 0, 3)
    assert (blind.to_machine, blind.from_machine) == (3, 1)
    assert (blind.helpful, blind.harmful, blind.unknown) == (0, 0, 4)
    told = row(counted(engine, truths=TRUTHS).switched, model=BETA, reader="", period="")
    # B1: pneumonia given up, effusion taken over; B5: pneumonia given up, and it was one.
    assert (told.judged, told.helpful, told.harmful, told.unknown) == (2, 2, 1, 1)


def test_two_readers_of_one_case(found: Findings) -> None:
    both = row(found.doubled, model=ALPHA, period=JANUARY, diagnosis="")
    assert (both.cases, both.differing) == (5, 2)  # the code of A1, pneumonia of A5
    assert (both.adjudicated, both.as_suggested) == (1, 1)
    assert both.kappa.observed == pytest.approx(4 / 6)
    pneumonia = row(found.doubled, model=ALPHA, period=JANUARY, diagnosis="pneumonia")
    assert (pneumonia.cases, pneumonia.differing, pneumonia.adjudicated) == (5, 1, 1)
    assert pneumonia.kappa.value == pytest.approx(0)
    assert not [r for r in found.doubled if r.model == BETA]


def test_time_of_a_case(found: Findings) -> None:
    one = row(found.took, model=ALPHA, reader="dr.one", period=JANUARY)
    assert (one.measured, one.not_measured) == (5, 1)
    assert (one.lower, one.median, one.upper) == (20, 30, 40)
    both = row(found.took, model=ALPHA, reader="", period=JANUARY)
    assert (both.measured, both.median) == (10, 75)  # between 50 and 100
    blind = row(found.took, model=BETA, reader="", period=FEBRUARY)
    assert (blind.measured, blind.not_measured, blind.median) == (0, 6, None)


def test_inputs_against_what_the_checkpoint_keeps(engine: Engine) -> None:
    found = counted(engine, known={"a" * 64: KEPT})
    assert found.counts.without_reference == (BETA,)
    marked = row(found.marked, model=ALPHA, period=JANUARY)
    assert (marked.share.positives, marked.share.cases) == (1, 6)
    assert marked.expected == pytest.approx(0.01)
    image = row(found.given, model=ALPHA, period=JANUARY, modality="image")
    assert image.missing.value == pytest.approx(2 / 6)
    assert image.usual_missing == 0.05
    assert (image.outside.value, image.outside.positives, image.outside.cases) == (None, 1, 4)
    assert row(found.given, model=BETA, period="", modality="image").usual_missing is None
    crp = row(found.measured, model=ALPHA, period=JANUARY, code=CRP)
    assert (crp.cases, crp.median, crp.usual, crp.shift) == (6, 9, 4, 1.25)
    assert crp.statistic == 0.875  # training has 7 of 8 parts up to 7, where here is nothing
    assert crp.limit == pytest.approx(sqrt(log(2 / 0.05) / 12))


def test_outputs_against_training(found: Findings) -> None:
    pneumonia = row(found.expected, model=ALPHA, period=JANUARY, diagnosis="pneumonia")
    assert (pneumonia.cases, pneumonia.prevalence) == (6, 0.2)
    assert pneumonia.probability.value == pytest.approx(0.8)
    assert pneumonia.suggested.value == 1
    effusion = row(found.expected, model=BETA, period=FEBRUARY, diagnosis="effusion")
    assert effusion.cases == 7  # A2 was assessed anew
    assert effusion.probability.value == pytest.approx((3 * 0.9 + 4 * 0.1) / 7)
    assert effusion.suggested.positives == 3


def test_alerts_name_what_left_its_bounds(engine: Engine) -> None:
    found = counted(engine, known={"a" * 64: KEPT})
    fired = {(a.rule, a.model, a.period, a.subject) for a in found.alerts}
    assert fired == {
        ("measured_otherwise", ALPHA, JANUARY, CRP),
        ("expected_otherwise", ALPHA, JANUARY, "pneumonia"),
    }


def test_a_window_counts_by_signature_and_by_assessment(engine: Engine) -> None:
    february = counted(engine, Window(since="2031-02-01T00:00:00.000000+00:00"))
    assert february.counts.models == (BETA,)
    assert (february.counts.readings, february.counts.assessed) == (6, 7)
    january = counted(engine, Window(until="2031-02-01T00:00:00.000000+00:00"))
    assert (january.counts.readings, january.counts.assessed) == (11, 6)


def test_a_workspace_without_readings_has_nothing_but_assessments(tmp_path: Any) -> None:
    from clinical.workspace.database import open_workspace

    empty = open_workspace(tmp_path / "workspace", create=True)
    found = counted(empty)
    empty.dispose()
    assert (found.counts.readings, found.counts.models, found.alerts) == (0, (), ())
