"""The electrocardiogram as a modality: rows, facts, words, evidence, pictures, tokens."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

import numpy as np
import pytest

from clinical.case.assessment import EvidenceItem, Explanation
from clinical.case.case import Case, Problem
from clinical.case.sentences import Stretch
from clinical.case.shapes import Array, Arrays
from clinical.cohorts import folder
from clinical.errors import ConfigError
from clinical.modalities.ecg import criteria, encoder, evidence, facts, picture, words
from clinical.modalities.ecg.leads import STANDARD
from clinical.modalities.ecg.modality import KIT
from clinical.modalities.ecg.tracing import array_of, tokens, waveform_of
from clinical.modalities.ecg.waveform import Waveform, canonical
from clinical.modalities.kit import Telling
from pipelines.laboratory.simulate.ecg import heart
from pipelines.laboratory.simulate.ecg.trace import LEADS, draw_trace


def tracing(seed: int = 3, rate: int = 75, **findings: float) -> Array:
    owner = heart.draw_heart(np.random.default_rng(seed))
    device = heart.load().device("A")
    spec = heart.EcgSpec(MappingProxyType(findings), rate, "inferior", 1.0, owner, device)
    trace = draw_trace(spec, np.random.default_rng(seed))
    return array_of(canonical(Waveform(LEADS, trace.samples, float(trace.rate))))


def as_csv(array: Array) -> str:
    lines = [",".join(array.names["lead"])]
    lines += [",".join(f"{value:.4f}" for value in row) for row in array.values.T]
    return "\n".join(lines) + "\n"


def cohort(root: Path, rows: Sequence[str], **files: str) -> list[Case | Problem]:
    (root / "cases.csv").write_text(
        "case_id,patient_id,decision_time\nc,p,2026-03-01T08:00:00Z\n", encoding="utf-8"
    )
    head = "case_id,path,time,rate,unit,role"
    (root / "ecgs.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    for name, text in files.items():
        (root / f"{name}.csv").write_text(text, encoding="utf-8")
    return list(folder.read(root))  # type: ignore[arg-type]


# Rows


def test_the_latest_tracing_is_in_front_and_an_earlier_visit_stands_apart(tmp_path: Path) -> None:
    rows = [
        "c,a.csv,2026-03-01T06:00:00Z,500,mV,",
        "c,b.csv,2026-03-01T07:00:00Z,500,mV,",
        "c,d.csv,2025-01-01T07:00:00Z,500,mV,prior",
    ]
    texts = {name: as_csv(tracing(seed)) for name, seed in (("a", 1), ("b", 2), ("d", 3))}
    (case,) = cohort(tmp_path, rows, **texts)
    assert isinstance(case, Case)
    assert case.problems == ()
    assert {name: len(value.items) for name, value in case.inputs.items()} == {
        "ecg": 2,
        "prior_ecg": 1,
    }
    times = [item.source["acquired"][:13] for item in case.inputs["ecg"].arrays]
    assert times == ["2026-03-01T07", "2026-03-01T06"]
    assert KIT.times(case.inputs["ecg"])[0] == datetime(2026, 3, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("c,a.csv,,,mV,", "path", "rate is not stated"),
        ("c,a.csv,,500,,", "path", "unit of the samples is not stated"),
        ("c,a.csv,,fast,mV,", "rate", "not a number"),
        ("c,a.csv,,500,mV,old", "role", "neither empty nor prior"),
        ("c,../a.csv,,500,mV,", "path", "no such file"),
        ("c,bad.csv,,500,mV,", "path", "in the file, row 2, column I"),
        ("c,a.csv,2026-03-02T06:00:00Z,500,mV,", "time", "later than the decision"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_by_file_row_and_column(
    tmp_path: Path, row: str, column: str, reason: str
) -> None:
    good = "c,good.csv,2026-03-01T07:00:00Z,500,mV,"
    bad = as_csv(tracing()).split("\n")
    bad[1] = "x" + bad[1]
    texts = {"a": as_csv(tracing(1)), "good": as_csv(tracing(2)), "bad": "\n".join(bad)}
    (case,) = cohort(tmp_path, [good, row], **texts)
    assert isinstance(case, Case)
    (problem,) = case.problems
    assert (problem.file, problem.row, problem.column) == ("ecgs.csv", 3, column)
    assert reason in problem.reason
    assert len(case.inputs["ecg"].items) == 1


def test_a_tracing_of_unknown_time_is_used_and_reported(tmp_path: Path) -> None:
    (case,) = cohort(tmp_path, ["c,a.csv,,500,mV,"], a=as_csv(tracing()))
    assert isinstance(case, Case)
    assert len(case.inputs["ecg"].items) == 1
    assert [(one.column, one.reason) for one in case.problems] == [
        (
            "time",
            "nobody says when the electrocardiogram was taken; it may be later than the decision.",
        )
    ]


def test_the_same_tracing_is_used_once(tmp_path: Path) -> None:
    row = "c,a.csv,2026-03-01T07:00:00Z,500,mV,"
    (case,) = cohort(tmp_path, [row, row], a=as_csv(tracing()))
    assert isinstance(case, Case)
    assert len(case.inputs["ecg"].items) == 1
    assert "same as another" in case.problems[0].reason


# The array


def test_an_array_keeps_all_of_the_waveform() -> None:
    array = tracing()
    again = waveform_of(array)
    assert array.spacing == (1.0, 0.002)
    assert (again.leads, again.rate) == (STANDARD, 500.0)
    only = canonical(Waveform(("I", "II"), again.samples[:2], 500.0))
    back = waveform_of(array_of(only))
    assert back.derived == only.derived == ("III", "aVR", "aVL", "aVF")
    assert dict(back.source) == dict(only.source)
    with pytest.raises(ValueError, match="not an electrocardiogram"):
        waveform_of(Array(np.zeros((2, 2), np.float32)))


# Facts and words


def test_columns_are_measurements_and_criteria() -> None:
    found = facts.columns(Arrays((tracing(rate=120, right_strain=0.9),)))
    assert found["rate"] == pytest.approx(120, abs=3)
    assert found["sinus_tachycardia"] == 1.0
    assert found["atrial_fibrillation"] == 0.0
    assert set(criteria.NAMES) <= found.keys()
    fibrillating = facts.columns(Arrays((tracing(rate=120, atrial_fibrillation=0.1),)))
    assert fibrillating["atrial_fibrillation"] == 1.0
    assert "pr_ms" not in fibrillating


def test_every_criterion_that_can_be_met_has_its_column() -> None:
    shown = [{}, {"left_hypertrophy": 0.9}, {"low_voltage": 0.7}, {"st_elevation": 0.4}]
    for findings in shown:
        met = {c.name for c in criteria.met(tokens(tracing(**findings)).analysis)}
        assert met <= set(criteria.NAMES)


def test_a_flat_line_is_as_good_as_none() -> None:
    flat = array_of(Waveform(STANDARD, np.zeros((12, 5000), np.float32), 500.0))
    value = Arrays((flat,))
    assert KIT.usable(value) is None
    assert facts.columns(value) == {}
    prepared = encoder.prepare(value, encoder.Settings())
    assert [source.label for source in prepared.sources] == [evidence.RHYTHM]


def test_measurements_are_told_with_their_units() -> None:
    said = dict(words.measured(tracing(rate=88)))
    assert said["Rhythm"] == "sinus rhythm"
    assert said["Rate"].endswith("/min")
    assert said["QRS"].endswith("\u00a0ms")


# Evidence


def explained(value: Arrays, **relevance: float) -> Explanation:
    """Relevance by "V2 QRS" with the blank as an underscore, or "rhythm"."""
    prepared = encoder.prepare(value, encoder.Settings(tracings=2))
    items = []
    for source in prepared.sources:
        item = EvidenceItem("ecg", source.index, source.label, 0.0, source.start, source.end)
        part = evidence.part_of(tokens(value.items[source.index]), item)
        name = source.label if part is None else f"{source.label}_{evidence.PARTS[part][0][:3]}"
        if name in relevance:
            items.append(replace(item, relevance=relevance[name]))
    return Explanation("heart_failure", "m", {}, (), tuple(items))


def test_evidence_is_named_by_lead_part_and_seconds() -> None:
    value = Arrays((tracing(),))
    told = explained(value, V2_QRS=0.3, rhythm=0.1)
    first, rhythm = (evidence.label(value, item) for item in told.items)
    peak = next(p for p in tokens(value.items[0]).peaks if p > 0.06)
    assert first == f"V2 QRS, {round(1000 * peak - 60) / 1000:.1f}–{(peak + 0.07):.1f} s"
    assert rhythm == "rhythm and intervals"


def test_a_sentence_names_part_lead_and_seconds_and_where_they_are() -> None:
    value = Arrays((tracing(),))
    told = explained(value, V2_QRS=0.3, rhythm=0.1)
    first, rhythm = (evidence.named("ecg", value, item, Telling()) for item in told.items)
    assert first.words == "the QRS complex in V2 of the ECG"
    assert isinstance(first.source, Stretch)
    assert (first.source.lead, first.source.item) == ("V2", 0)
    assert first.facts == ("first at {:.1f}–{:.1f} s".format(*first.source.seconds or ()),)
    assert rhythm.words == "the rhythm and intervals of the ECG"
    assert rhythm.source == Stretch("ecg", 0)


def test_of_several_tracings_the_later_ones_are_numbered() -> None:
    value = Arrays((tracing(1), tracing(2)))
    told = explained(value, V2_QRS=0.3)
    assert [evidence.label(value, item)[:9] for item in told.items] == ["V2 QRS, 0", "tracing 2"]


def test_every_beat_is_marked_and_what_hardly_counts_is_not() -> None:
    value = Arrays((tracing(),))
    found = tokens(value.items[0])
    told = explained(value, V2_QRS=0.4, V3_QRS=-0.2, V4_QRS=0.01)
    marks = evidence.highlights("ecg", 0, found, told)
    assert {(mark.lead, mark.sign, mark.strength) for mark in marks} == {
        ("V2", 1, 1.0),
        ("V3", -1, 0.5),
    }
    assert sum(mark.lead == "V2" for mark in marks) == len(found.peaks)
    assert evidence.highlights("prior_ecg", 0, found, told) == ()
    assert evidence.highlights("ecg", 0, found, None) == ()


def test_a_picture_is_a_drawing_that_says_what_is_marked() -> None:
    value = Arrays((tracing(),))
    (plain,) = picture.pictures("ecg", value, None)
    (marked,) = picture.pictures("ecg", value, explained(value, V2_QRS=0.4))
    assert plain.wide
    assert "25 mm/s, 10 mm/mV" in plain.caption
    assert "measured by the program" in plain.caption
    assert "Marked" not in plain.caption
    assert "evidence for heart failure" in marked.caption
    head, _, data = marked.uri.partition(",")
    assert head == "data:image/svg+xml;base64"
    root = ElementTree.fromstring(base64.b64decode(data))
    assert any(e.get("class") == "evidence" for e in root.iter())


# Tokens


def test_there_is_a_token_for_each_part_of_each_lead() -> None:
    prepared = encoder.prepare(Arrays((tracing(),)), encoder.Settings())
    assert len(prepared.sources) == 12 * 3 + 1
    assert prepared.features["code"].tolist() == list(range(encoder.CODES + 1))
    assert sum(encoder.SIZES) == prepared.features["wave"].shape[1]


def test_a_lead_that_is_not_there_has_no_token() -> None:
    whole = waveform_of(tracing())
    part = array_of(Waveform(STANDARD[:8], whole.samples[:8], 500.0))
    prepared = encoder.prepare(Arrays((part,)), encoder.Settings())
    assert len(prepared.sources) == 8 * 3 + 1
    row = encoder.pooled(prepared)
    assert row is not None
    assert row.shape == encoder.pooled(encoder.prepare(encoder.EXAMPLE, encoder.Settings())).shape


def test_an_augmented_copy_is_near_and_not_the_same() -> None:
    value = Arrays((tracing(),))
    settings = encoder.Settings()
    plain = encoder.prepare(value, settings)
    copies = [encoder.prepare(value, settings, rng=np.random.default_rng(s)) for s in range(20)]
    assert any(len(copy.sources) < len(plain.sources) for copy in copies)
    same = next(copy for copy in copies if len(copy.sources) == len(plain.sources))
    waves = [p.features["wave"].astype(float) for p in (plain, same)]
    assert 0 < np.abs(waves[0] - waves[1]).max() < 0.5
    assert np.corrcoef(waves[0].ravel(), waves[1].ravel())[0, 1] > 0.97


@pytest.mark.parametrize("settings", [{"shapes": 0}, {"shapes": 99}, {"tracings": 0}])
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"model\.ecg"):
        encoder.Settings(**settings)
