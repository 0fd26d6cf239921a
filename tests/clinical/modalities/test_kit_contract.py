"""What holds for every modality; a new folder in clinical/modalities is picked up by itself."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from clinical.case.assessment import EvidenceItem
from clinical.case.case import Case
from clinical.case.shapes import Arrays, Measurements, Shape, shape_as_json, shape_from_json
from clinical.errors import ConfigError
from clinical.modalities.catalogue import catalogue
from clinical.modalities.kit import Kit, Person, kit_of, kits, letters, read_by

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
KITS = sorted(kits())


def example(name: str) -> tuple[Kit, Shape]:
    return kits()[name], catalogue()[name].EXAMPLE


def test_names_letters_and_inputs_belong_to_one_modality_each() -> None:
    assert list(letters().values()) == [kit.letter for kit in kits().values()]
    assert len(set(letters().values())) == len(KITS)
    inputs = [name for kit in kits().values() for name in kit.inputs]
    assert len(inputs) == len(set(inputs))
    tables = [kit.table.stem for kit in kits().values() if kit.table]
    assert len(tables) == len(set(tables))


def test_a_name_of_a_source_s_own_goes_to_the_one_modality_that_reads_its_shape() -> None:
    for shape in {kit.shape for kit in kits().values()}:
        assert sum(kit.open_names for kit in kits().values() if kit.shape is shape) <= 1
    assert kit_of("sonography", Measurements(())).name == "measurements"


def test_a_picture_under_an_unknown_name_is_refused_and_not_taken_for_a_radiograph() -> None:
    _, films = example("radiograph")
    with pytest.raises(ConfigError, match="No known modality"):
        kit_of("thermogram", films)


@pytest.mark.parametrize("name", KITS)
def test_the_usual_name_alone_does_not_make_another_shape_its_own(name: str) -> None:
    kit, value = example(name)
    other = Measurements(()) if kit.shape is not Measurements else Arrays(())
    for known in kit.inputs:
        assert kit_of(known, value) is kit
        with suppress(ConfigError):
            assert kit_of(known, other) is not kit


@pytest.mark.parametrize("name", KITS)
def test_json_gives_the_same_value_back(name: str) -> None:
    _, value = example(name)
    written = json.loads(json.dumps(shape_as_json(value)))
    again = shape_from_json(written, {array.digest: array.values for array in value.arrays})
    assert again is not None
    assert shape_as_json(again) == shape_as_json(value)


@pytest.mark.parametrize("name", KITS)
def test_several_items_keep_their_order_and_what_each_says(name: str) -> None:
    _, value = example(name)
    twice = replace(value, items=(*value.items, *value.items))
    written = shape_as_json(twice)
    again = shape_from_json(written, {array.digest: array.values for array in value.arrays})
    assert again is not None
    assert len(again.items) == 2 * len(value.items)
    assert shape_as_json(again) == written


@pytest.mark.parametrize("name", KITS)
def test_facts_are_about_the_items(name: str) -> None:
    kit, value = example(name)
    assert kit.usable(value) is not None
    assert len(kit.times(value)) in (0, len(value.items))
    assert all(isinstance(number, float) for number in kit.columns(value).values())
    assert isinstance(kit.person(value), Person)


@pytest.mark.parametrize("name", KITS)
def test_a_stand_in_has_the_same_facts_and_no_content(name: str) -> None:
    kit, value = example(name)
    summary = kit.summary(value)
    if summary is None:
        assert value.arrays, "only what is stored apart may go without a stand-in"
        return
    hollow = kit.stand_in(*json.loads(json.dumps(list(summary))))
    assert kit.usable(hollow) == kit.usable(value)
    assert kit.person(hollow) == kit.person(value)
    assert not any(text.text for text in kit.written(hollow))


@pytest.mark.parametrize("name", KITS)
def test_evidence_has_words_wherever_it_points(name: str) -> None:
    kit, value = example(name)
    for index in (0, len(value.items), 10**6):
        said = kit.label(value, EvidenceItem(name, index, "a label", 0.5))
        assert said
        assert "\n" not in said


@pytest.mark.parametrize("name", KITS)
def test_losing_all_items_leaves_nothing_or_changes_nothing(name: str) -> None:
    kit, value = example(name)
    lost = kit.thinned(value, [True] * len(value.items))
    assert lost is None or lost is value
    assert kit.thinned(value, [False] * len(value.items)) is not None


@pytest.mark.parametrize("name", KITS)
def test_what_leaves_the_house_is_of_the_same_shape_or_nothing(name: str) -> None:
    kit, value = example(name)
    left = kit.deidentified(value, NOW)
    assert left is None or type(left) is kit.shape
    assert left is None or not left.arrays, "pixels and traces do not leave the house"


def test_a_case_is_read_input_by_input() -> None:
    case = Case("c", "p", NOW, {name: example(name)[1] for name in KITS})
    with pytest.raises(ConfigError):  # a folder's name is not always the name of an input
        list(read_by(case))
    named = Case("c", "p", NOW, {kits()[name].inputs[0]: example(name)[1] for name in KITS})
    assert [kit.name for kit, _, _ in read_by(named)] == KITS
