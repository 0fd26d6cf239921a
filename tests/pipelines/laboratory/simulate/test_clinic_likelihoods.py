"""The table of priors and likelihoods: complete, sourced, and checked when read."""

from pathlib import Path

import pytest

from clinical.errors import ConfigError
from pipelines.laboratory.simulate import likelihoods, notes
from pipelines.laboratory.simulate.clinic import draw_patient


def test_every_entry_states_its_source() -> None:
    table = likelihoods.load()
    entries = [
        table.visit,
        table.demographics,
        *table.conditions.values(),
        *table.background.values(),
        *table.signs.values(),
        *table.panels.values(),
        *table.analytes.values(),
        *table.image.values(),
        *table.sites.values(),
    ]
    assert len(entries) > 100
    assert [entry for entry in entries if not entry.source] == []


def test_every_probability_is_one() -> None:
    table = likelihoods.load()
    for entry in [*table.signs.values(), *table.image.values()]:
        assert all(0 <= p <= 1 for p in [entry.base, *entry.given.values()])


def test_the_phrase_book_covers_every_sign_and_illness() -> None:
    table, book = likelihoods.load(), notes.phrases()
    assert set(book["signs"]) == set(table.signs)
    assert all(words["present"] and words["absent"] for words in book["signs"].values())
    assert set(book["background"]) == set(table.background)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("[signs.cough]", "[signs.cough]\nloudness = 3", "loudness"),
        ("given = { anaemia = 0.6,", "given = { anemia = 0.6,", "signs.pallor.given names anemia"),
        ('requires = "copd"', 'requires = "smoking"', "conditions.copd_exacerbation.requires"),
        ("[visit]", "[visit", "not a table"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    tmp_path: Path, old: str, new: str, place: str
) -> None:
    text = likelihoods.TABLE.read_text(encoding="utf-8")
    changed = tmp_path / "likelihoods.toml"
    changed.write_text(text.replace(old, new), encoding="utf-8")
    assert old in text
    with pytest.raises(ConfigError, match=place):
        likelihoods.load(changed)


def test_another_table_draws_another_clinic(tmp_path: Path) -> None:
    text = likelihoods.TABLE.read_text(encoding="utf-8")
    other = tmp_path / "likelihoods.toml"
    other.write_text(text.replace("absent_image = 0.08", "absent_image = 1.0"), encoding="utf-8")
    table = likelihoods.load(other)
    assert all(draw_patient(1, n, table=table).radiograph is None for n in range(20))
