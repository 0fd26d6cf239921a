"""Do the notes simply name the diagnosis?

Notes are often written, or finished, after the diagnosis was made. A bag of words is fitted twice,
with all sentences and without those that name the diagnosis; denied and asked mentions count too,
because a denial is written where somebody thought of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.case.case import Case
from clinical.modalities.kit import read_by
from clinical.modalities.notes.encoder import sentences
from pipelines.statistics.metrics import auroc_difference
from pipelines.statistics.proportions import share_of_all
from pipelines.study.guards.diagnosis_names import Names, named, names_of
from pipelines.study.guards.guard import (
    ALONE_AUROC,
    SURELY_AUROC,
    Finding,
    GuardResult,
    Skipped,
    clears,
)
from pipelines.study.guards.out_of_fold import (
    Judging,
    Values,
    label_auroc,
    text_scores,
    too_few,
)
from pipelines.training.dataset import Dataset

NAME = "notes_named"
LOST_AUROC = 0.05
"""What a bag of words may lose without the sentences that name the diagnosis."""


@dataclass(frozen=True, eq=False)
class _Notes:
    """Sentences, labels and patients of the cases that have notes and a known label."""

    sentences: Sequence[Sequence[str]]
    labels: Values
    patients: Sequence[str]


def notes_named(
    dataset: Dataset,
    called: Mapping[str, Sequence[str]] | None = None,
    judging: Judging | None = None,
) -> tuple[Finding, ...]:
    """One finding for each diagnosis: AUROC with the sentences that name it, minus without.

    Fires where that difference is above 0.05 and surely above 0, or where being named predicts the
    label by itself (AUROC above 0.65, low end above 0.6), as where other words would do as well.

    Args:
        dataset: with notes.
        called: diagnosis to its display, ICD description, synonyms and abbreviations.
        judging: folds, bootstrap samples and seed.
    """
    judging = judging or Judging()
    written = [_sentences(cached.case) for cached in dataset.cases]
    found = []
    for name, label in zip(dataset.diagnoses, dataset.labels.T, strict=True):
        rows = [i for i in range(len(written)) if written[i] and not np.isnan(label[i])]
        notes = _Notes([written[i] for i in rows], label[rows], [dataset.patients[i] for i in rows])
        found.append(
            _diagnosis(name, names_of([name, *(called or {}).get(name, ())]), notes, judging)
        )
    return tuple(found)


def _sentences(case: Case) -> list[str]:
    texts = [text.text for kit, _, value in read_by(case) for text in kit.written(value)]
    return [text[start:end] for text in texts for start, end in sentences(text)]


def _diagnosis(name: str, names: Names | None, notes: _Notes, judging: Judging) -> Finding:
    if names is None:
        return Skipped(NAME, name, "its name holds no word that a note could name it by")
    if not notes.sentences:
        return Skipped(NAME, name, "no case has notes")
    reason = too_few(notes.labels, notes.patients, judging)
    if reason:
        return Skipped(NAME, name, reason)
    naming = [[named(sentence, names) for sentence in note] for note in notes.sentences]
    mentioned = np.array([any(marks) for marks in naming], dtype=bool)
    whole = [" ".join(note) for note in notes.sentences]
    rest = [
        " ".join(sentence for sentence, mark in zip(note, marks, strict=True) if not mark)
        for note, marks in zip(notes.sentences, naming, strict=True)
    ]
    return _result(name, mentioned, whole, rest, notes, judging)


def _result(
    name: str,
    mentioned: NDArray[np.bool_],
    whole: Sequence[str],
    rest: Sequence[str],
    notes: _Notes,
    judging: Judging,
) -> GuardResult:
    labels, patients, draws = notes.labels, notes.patients, judging.samples
    every = text_scores(whole, labels, patients, judging)
    without = text_scores(rest, labels, patients, judging)
    lost = auroc_difference(every, without, labels, patients, samples=draws, seed=judging.seed)
    mention = label_auroc(mentioned.astype(np.float64), labels, patients, judging)
    true = np.flatnonzero(labels == 1).tolist()
    people = [patients[i] for i in true]
    share = share_of_all(mentioned[true], people, samples=draws, seed=judging.seed)
    loses, tells = clears(lost, LOST_AUROC, 0.0), clears(mention, ALONE_AUROC, SURELY_AUROC)
    return GuardResult(
        NAME,
        name,
        "AUROC of the notes with minus without the sentences that name it",
        lost,
        LOST_AUROC,
        loses or tells,
        _sentence(name, float(share.value or 0), loses, tells),
        {
            "AUROC, all sentences": label_auroc(every, labels, patients, judging),
            "AUROC, without sentences that name it": label_auroc(
                without, labels, patients, judging
            ),
            "AUROC, whether it is named": mention,
            "share of positive cases whose note names it": share,
        },
        {"cases with notes": len(labels), "cases whose note names it": int(mentioned.sum())},
    )


def _sentence(name: str, share: float, loses: bool, tells: bool) -> str:
    found = f"The notes of {share:.0%} of the cases with {name} name it"
    if loses:
        return (
            f"{found}, and without those sentences the notes predict it less well: a likely leak."
        )
    if tells:
        return f"{found}, and being named alone predicts it: a likely leak."
    return f"{found}, which adds little to what the other sentences say."
