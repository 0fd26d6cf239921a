from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clinic_of_two import STUDY, write_cohort

from clinical.cohorts import folder
from clinical.modalities.notes import encoder
from pipelines.folds.tabular import vectors
from pipelines.training.dataset import Dataset, read_dataset

SENTENCES = ["Unwell since yesterday.", "Seen at home."]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sentences as they go through the network, in a process that remembers none."""
    seen: list[str] = []
    embed_one = encoder._embed_one

    def counting(text: str) -> np.ndarray:
        seen.append(text)
        return embed_one(text)

    monkeypatch.setattr(encoder, "_embed_one", counting)
    monkeypatch.setattr(encoder, "_known", {})
    return seen


def read(cohort: Path, cache: Path | None) -> Dataset:
    """As another process would: nothing is remembered but what is on disk."""
    encoder._known.clear()
    return read_dataset(folder, cohort, STUDY, cache, 0)


def embeddings(dataset: Dataset) -> bytes:
    return vectors(dataset.cases).embeddings["notes"].tobytes()


def test_a_second_run_embeds_no_sentence_and_finds_the_same_bits(
    tmp_path: Path, counted: list[str]
) -> None:
    cohort = write_cohort(tmp_path / "cohort")
    without = embeddings(read(cohort, None))
    assert counted == SENTENCES
    first = embeddings(read(cohort, tmp_path / "features"))
    assert counted == SENTENCES * 2
    second = embeddings(read(cohort, tmp_path / "features"))
    assert counted == SENTENCES * 2
    assert without == first == second


def test_a_note_file_that_is_torn_is_written_again(tmp_path: Path, counted: list[str]) -> None:
    cohort = write_cohort(tmp_path / "cohort")
    whole = embeddings(read(cohort, tmp_path / "features"))
    (file,) = (tmp_path / "features").rglob("*.npy")
    file.write_bytes(file.read_bytes()[:-100])
    assert embeddings(read(cohort, tmp_path / "features")) == whole
    assert embeddings(read(cohort, tmp_path / "features")) == whole
    assert counted == SENTENCES * 2


def test_notes_that_a_study_does_not_read_are_not_embedded(
    tmp_path: Path, counted: list[str]
) -> None:
    cohort = write_cohort(tmp_path / "cohort")
    model = replace(STUDY.model, modalities={"measurements": "measurements"})
    dataset = read_dataset(folder, cohort, replace(STUDY, model=model), tmp_path / "features", 0)
    assert "notes" in dataset.cases[0].case.inputs
    assert not counted


def test_the_oldest_sentences_are_forgotten_first(
    monkeypatch: pytest.MonkeyPatch, counted: list[str]
) -> None:
    monkeypatch.setattr(encoder, "_MOST", 2)
    for text in ("One.", "Two.", "Three.", "Three.", "One."):
        encoder.embed([text])
    assert counted == ["One.", "Two.", "Three.", "One."]
    assert list(encoder._known) == ["Three.", "One."]


def test_an_outcome_of_before_the_decision_is_reported_and_not_learnt_from(tmp_path: Path) -> None:
    cohort = write_cohort(tmp_path / "cohort")
    header, first, *others = (cohort / "outcomes.csv").read_text(encoding="utf-8").splitlines()
    table = [f"{header},offset_days", f"{first},-1", *(f"{line},3" for line in others)]
    (cohort / "outcomes.csv").write_text("\n".join(table) + "\n", encoding="utf-8")
    dataset = read(cohort, None)
    case_id = first.split(",")[0]
    (problem,) = dataset.problems
    assert (problem.file, problem.row, problem.case_id) == ("outcomes.csv", 2, case_id)
    assert "before the decision" in problem.reason
    assert np.isnan(dataset.labels).sum() == 1
