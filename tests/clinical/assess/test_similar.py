"""The shared space in use: partners lie near, and the same case gives the same bits twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clinic_of_pairs import WORDS, make_case, make_cases

from clinical.assess import similar
from clinical.assess.similar import ALL, Index
from clinical.case.case import Case
from clinical.case.shapes import Measurements
from clinical.errors import ConfigError, ModelError, StoreError
from clinical.model.model import Model


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    made = make_cases(80, seed=7)
    without = {name: shape for name, shape in made[5].inputs.items() if name != "notes"}
    made[5] = replace(made[5], inputs=without)
    return made


@pytest.fixture(scope="module")
def index(model_of_pairs: Model, cases: Sequence[Case]) -> Index:
    return similar.build(model_of_pairs, cases)


def crp(case: Case) -> float:
    measured = case.inputs["measurements"]
    assert isinstance(measured, Measurements)
    return measured.items[0].value or 0.0


def test_every_modality_has_a_unit_vector(model_of_pairs: Model, cases: Sequence[Case]) -> None:
    vectors = similar.embed(model_of_pairs, cases[0])
    assert set(vectors) == {"history", "measurements", "notes", ALL}
    for vector in vectors.values():
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert set(similar.embed(model_of_pairs, cases[5])) == {"history", "measurements", ALL}
    assert similar.embed(model_of_pairs, replace(cases[0], inputs={})) == {}


def test_the_same_case_gives_the_same_bits_alone_and_among_others(
    model_of_pairs: Model, index: Index, cases: Sequence[Case]
) -> None:
    again = similar.build(model_of_pairs, cases[40:50])
    for name in again.rows:
        assert np.array_equal(
            again.vectors[name], index.vectors[name][np.isin(index.rows[name], range(40, 50))]
        )


def test_a_case_without_a_modality_is_counted(index: Index) -> None:
    assert index.missing() == {ALL: 0, "history": 0, "measurements": 0, "notes": 1}
    assert 5 not in index.rows["notes"]


def test_a_note_finds_measurements_like_those_of_its_patient(
    model_of_pairs: Model, index: Index, cases: Sequence[Case]
) -> None:
    values = {case.case_id: crp(case) for case in cases}
    for illness, ill in ((0.05, False), (0.95, True)):
        case = replace(make_case(999, illness), patient_id="stranger")
        found = similar.nearest_to_case(
            model_of_pairs, index, case, 5, query="notes", among="measurements"
        )
        median = np.median([values[n.case_id] for n in found])
        assert (median > 100) if ill else (median < 10)


def test_a_text_finds_the_cases_that_it_describes(
    model_of_pairs: Model, index: Index, cases: Sequence[Case]
) -> None:
    values = {case.case_id: crp(case) for case in cases}
    for text, ill in ((WORDS[0], False), (WORDS[-1], True)):
        found = similar.search(model_of_pairs, index, text, 5, among="measurements")
        median = np.median([values[n.case_id] for n in found])
        assert (median > 100) if ill else (median < 10)


def test_the_patient_who_asks_is_left_out(
    model_of_pairs: Model, index: Index, cases: Sequence[Case]
) -> None:
    found = similar.nearest_to_case(model_of_pairs, index, cases[3], 80)
    assert len(found) == 79
    assert cases[3].patient_id not in {n.patient_id for n in found}
    own = similar.nearest(index, index.vector(cases[3].case_id), 1)
    assert own[0].case_id == cases[3].case_id
    assert own[0].similarity == pytest.approx(1, abs=1e-5)


def made_index() -> Index:
    """Three cases on a circle and a twin of the first."""
    vectors = np.array([[1, 0], [0, 1], [-1, 0], [1, 0]], dtype=np.float32)
    rows = np.arange(4)
    return Index("0" * 64, ("a", "b", "c", "d"), ("p", "q", "r", "s"), {ALL: rows}, {ALL: vectors})


def test_neighbours_are_ordered_and_ties_keep_the_order_of_the_index() -> None:
    found = similar.nearest(made_index(), np.array([1, 0], dtype=np.float32), 9)
    assert [n.case_id for n in found] == ["a", "d", "b", "c"]
    assert [n.similarity for n in found] == [1, 1, 0, -1]


def test_an_index_comes_back_as_it_was(index: Index, tmp_path: Path) -> None:
    similar.save(index, tmp_path / "index")
    assert sorted(f.name for f in (tmp_path / "index").iterdir()) == [
        "index.json",
        "vectors.safetensors",
    ]
    again = similar.load(tmp_path / "index")
    assert (again.case_ids, again.patient_ids) == (index.case_ids, index.patient_ids)
    assert again.model_digest == index.model_digest
    assert list(again.rows) == list(index.rows)
    for name in index.rows:
        assert np.array_equal(again.rows[name], index.rows[name])
        assert np.array_equal(again.vectors[name], index.vectors[name])


def test_the_index_holds_no_text(index: Index, tmp_path: Path) -> None:
    similar.save(index, tmp_path)
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert not any(words.encode() in written for words in WORDS)


def test_an_altered_index_is_refused(index: Index, tmp_path: Path) -> None:
    similar.save(index, tmp_path)
    file = tmp_path / "vectors.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(StoreError, match="SHA-256 differs"):
        similar.load(tmp_path)
    described = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps({**described, "format": 99}))
    with pytest.raises(StoreError, match="format 99"):
        similar.load(tmp_path)
    (tmp_path / "index.json").write_text("{")
    with pytest.raises(StoreError, match="is not JSON"):
        similar.load(tmp_path)
    with pytest.raises(StoreError, match=r"index\.json is missing"):
        similar.load(tmp_path / "nowhere")


def test_wrong_questions_are_named(
    model_of_pairs: Model, model_of_two: Model, index: Index
) -> None:
    with pytest.raises(ConfigError, match="no 'note'"):
        index.vector("c0001", "note")
    with pytest.raises(StoreError, match="no case 'c9'"):
        index.vector("c9")
    with pytest.raises(StoreError, match="has no notes"):
        index.vector("c0005", "notes")
    with pytest.raises(ConfigError, match="k is 0"):
        similar.nearest(index, index.vector("c0001"), 0)
    with pytest.raises(ConfigError, match="text is empty"):
        similar.search(model_of_pairs, index, "  ", 3)
    with pytest.raises(ModelError, match="different model"):
        similar.search(model_of_two, index, "Fever.", 3)
