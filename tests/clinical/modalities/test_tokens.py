"""What each encoder makes of the inputs it was built for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
import torch

from clinical.case.shapes import (
    Array,
    Arrays,
    Event,
    Events,
    Measurement,
    Measurements,
    Text,
    Texts,
)
from clinical.modalities import scale
from clinical.modalities.components import PrincipalComponents
from clinical.modalities.encoding import collate
from clinical.modalities.history import encoder as history
from clinical.modalities.measurements import encoder as measurements
from clinical.modalities.notes import encoder as notes
from clinical.modalities.radiograph import encoder as radiograph
from clinical.terms import normalise

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def crp(value: float, hours: float = 1.0) -> Measurement:
    return normalise.measurement("1988-5", str(value), "mg/L", time=NOW - timedelta(hours=hours))


def test_piecewise_code_fills_bin_after_bin() -> None:
    edges = (0.0, 10.0, 20.0)
    assert scale.encode(0, edges).tolist() == [0, 0]
    assert scale.encode(5, edges).tolist() == [0.5, 0]
    assert scale.encode(15, edges).tolist() == [1, 0.5]
    assert scale.encode(-100, edges).tolist() == [-1, 0]
    assert scale.encode(1000, edges).tolist() == [1, 2]


def test_edges_of_a_constant_have_a_width() -> None:
    edges = scale.quantile_edges([7.0] * 50, bins=4)
    assert all(b > a for a, b in pairwise(edges))


def test_absent_measurements_have_no_token_and_failed_ones_neither() -> None:
    settings = measurements.fit(
        [Measurements((crp(3.0), crp(90.0)))] * 5, measurements.Settings(width=8)
    )
    failed = normalise.measurement("1988-5", "hemolysed", "mg/L")
    stranger = Measurement("local:x", "x", 1.0, "1", None, "1", "")
    value = Measurements((crp(84.0), failed, stranger))
    prepared = measurements.prepare(value, settings, decision_time=NOW)
    assert [source.index for source in prepared.sources] == [0]
    assert prepared.unknown == 1  # the stranger; a failed value is a problem, not a stranger


def test_a_measurement_token_knows_abnormality_and_age() -> None:
    settings = measurements.fit([Measurements((crp(3.0), crp(90.0)))] * 5, measurements.Settings())
    old, new = (
        measurements.prepare(
            Measurements((crp(84.0, hours),)), settings, decision_time=NOW
        ).features["context"][0]
        for hours in (48.0, 1.0)
    )
    assert old[0] == new[0] > 0
    assert old[2] > new[2] > 0


def test_a_stated_absence_differs_from_presence_and_from_silence() -> None:
    seen = Events((Event("R04.2", "Haemoptysis"),), 60.0, "male")
    settings = history.fit([seen] * 5, history.Settings(width=8))
    torch.manual_seed(0)
    encoder = history.Encoder(settings).eval()
    tokens = []
    for events in (
        (Event("R04.2", "Haemoptysis"),),
        (Event("R04.2", "Haemoptysis", present=False),),
        (),
    ):
        batch = collate([history.prepare(Events(events, 60.0, "male"), settings)])
        assert batch is not None
        tokens.append(encoder(batch).tokens)
    assert tokens[0].shape[1] == tokens[1].shape[1] == 3
    assert tokens[2].shape[1] == 2
    assert not torch.allclose(tokens[0][0, 0], tokens[1][0, 0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fever for 3 days. No chest pain.", ["Fever for 3 days.", "No chest pain."]),
        ("SOB on exertion\nNil else", ["SOB on exertion", "Nil else"]),
        ("BP 120/80. HR 90.", ["BP 120/80.", "HR 90."]),
        ("Took 2.5 mg b.i.d. of it. Well.", ["Took 2.5 mg b.i.d. of it.", "Well."]),
        ("  \n ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in notes.sentences(text)] == expected


def test_sentence_sources_point_into_their_section() -> None:
    value = Texts((Text("a", "One here."), Text("b", "Two here. Three here.")))
    prepared = notes.prepare(value, notes.Settings())
    found = [value.items[s.index].text[s.start : s.end] for s in prepared.sources]
    assert found == ["One here.", "Two here.", "Three here."]


def test_meaning_is_nearer_than_wording() -> None:
    fever, same, other = notes.embed(
        ["The patient has a fever.", "High temperature since last night.", "He plays the piano."]
    )
    assert fever @ same > fever @ other


def test_an_embedding_does_not_depend_on_the_callers_threads() -> None:
    texts = [f"Short of breath for {days} days, worse on the stairs." for days in range(5)]
    before = torch.get_num_threads()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append([notes._embed_one(text) for text in texts])
    torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def test_the_box_of_a_portrait_image_reaches_beyond_its_sides() -> None:
    image = Array(np.linspace(0, 4095, 100 * 60, dtype=np.float32).reshape(100, 60))
    prepared = radiograph.prepare(Arrays((image,)), radiograph.Settings(image_size=96))
    assert prepared.boxes == ((0.0, -20.0, 100.0, 80.0),)
    assert len(prepared.sources) == 9


def test_the_devices_own_scale_does_not_matter() -> None:
    ramp = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    first = radiograph.network_input(ramp, 96)
    second = radiograph.network_input(ramp * 4095 - 1000, 96)
    torch.testing.assert_close(first, second, atol=1e-3, rtol=0)


def test_components_are_white_on_what_they_were_fitted_on() -> None:
    rows = np.random.default_rng(0).normal(size=(500, 6)) * [1, 2, 3, 4, 5, 6] + 10
    reduce = PrincipalComponents(6, components=3)
    reduce.fit(rows)
    reduced = reduce(torch.from_numpy(rows).float()).numpy()
    np.testing.assert_allclose(np.cov(reduced, rowvar=False), np.eye(3), atol=1e-3)


def test_embeddings_side_by_side_are_reduced_each_by_itself() -> None:
    generator = np.random.default_rng(0)
    small, large = generator.normal(size=(300, 4)), 1000 * generator.normal(size=(300, 5))
    reduce = PrincipalComponents(4, 5, components=2)
    reduce.fit(np.concatenate([small, large], axis=1))
    assert reduce.kept == 4
    assert not reduce.basis[4:, :2].any()
    assert not reduce.basis[:4, 2:].any()
    both = reduce(torch.from_numpy(np.concatenate([small, large], axis=1)).float()).numpy()
    np.testing.assert_allclose(both.std(axis=0, ddof=1), np.ones(4), atol=1e-3)
