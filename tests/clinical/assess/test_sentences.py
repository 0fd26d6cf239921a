"""What a suggestion rests on, in words: the table is read as a chest physician would read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from clinical.assess.sentences import sentences
from clinical.case.assessment import (
    Assessment,
    EvidenceItem,
    Explanation,
    HeatMap,
    ModalityLedger,
    ModelIdentity,
    OutOfDistribution,
    Suggestion,
)
from clinical.case.case import Case
from clinical.case.held_back import AGAINST, AS_A_WHOLE, LITTLE, NO_MORE
from clinical.case.sentences import Entry, Quotation, Region, Value, Whole, text
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

DECISION = datetime(2031, 3, 4, 9, 40, tzinfo=UTC)


def lab(
    code: str, name: str, value: float, unit: str, high: float | None, hours: float = 2
) -> Measurement:
    time = DECISION - timedelta(hours=hours)
    return Measurement(code, name, value, unit, time, str(value), unit, (None, high))


NOTE = "Sharp pain on breathing in. No calf swelling."
CASE = Case(
    "case",
    "patient",
    DECISION,
    {
        "image": Arrays(
            (Array(np.zeros((120, 120), np.float32), source={"format": "DICOM"}),),
        ),
        "measurements": Measurements(
            (
                lab("48065-7", "D-dimer (FEU)", 4330, "ng/mL{FEU}", 500),
                lab("33762-6", "NT-proBNP", 89, "pg/mL", 900),
                lab("1988-5", "C-reactive protein", 96, "mg/L", 5, 14),
                lab("1988-5", "C-reactive protein", 184, "mg/L", 5),
            )
        ),
        "history": Events(
            (
                Event("I82.4", "Deep vein thrombosis", datetime(2019, 1, 1, tzinfo=UTC)),
                Event("R04.2", "Haemoptysis", present=False),
                Event("mine:1", "Fell off the bike"),
            ),
            71.0,
            "female",
        ),
        "notes": Texts((Text("examination", NOTE),)),
    },
)


def measured(index: int, change: float) -> EvidenceItem:
    code = ("48065-7", "33762-6", "1988-5", "1988-5")[index]
    return EvidenceItem("measurements", index, code, change, change=change)


def recorded(index: int, change: float) -> EvidenceItem:
    code = ("I82.4", "R04.2", "mine:1")[index]
    return EvidenceItem("history", index, code, change, change=change)


def person(what: str, change: float) -> EvidenceItem:
    return EvidenceItem("history", 0, what, change, change=change)


def written(number: int, change: float) -> EvidenceItem:
    start, end = ((0, 27), (28, 45))[number - 1]
    return EvidenceItem("notes", 0, f"sentence {number}", change, start, end, change)


RIGHT_LOWER = HeatMap("image", ((0, 0, 0), (0.1, 0, 0.2), (1, 0, 0.2)), (0, 0, 120, 120))
EVERYTHING = ("image", "measurements", "history", "notes")


@dataclass(frozen=True)
class Told:
    """What is told of one suggestion; `without` of inputs that are not given at all."""

    words: str
    probability: float = 0.8
    items: Sequence[EvidenceItem] = ()
    maps: Sequence[HeatMap] = ()
    held: Mapping[str, str] = field(default_factory=dict)
    without: Mapping[str, float] = field(default_factory=dict)
    missing: Sequence[str] = ()
    diagnosis: str = "pulmonary_embolism"
    threshold: float = 0.4
    known: Sequence[str] = EVERYTHING


def assessed(row: Told) -> Assessment:
    name = row.diagnosis
    suggestion = Suggestion(name, row.probability, row.threshold, 0.1)
    shares = dict.fromkeys(EVERYTHING, 0.25)
    made = Explanation(name, "test", shares, tuple(row.maps), tuple(row.items), dict(row.held))
    return Assessment(
        "case",
        "patient",
        ModelIdentity("test", "0", "0"),
        "0",
        tuple(one for one in row.known if one not in row.missing),
        tuple(row.missing),
        (),
        (suggestion,),
        ModalityLedger({}, {one: {name: share} for one, share in row.without.items()}),
        (made,),
        (),
        OutOfDistribution(0.1, False),
    )


TABLE = {
    "labs, a note and the film for it, a lab against it": Told(
        "The main evidence for pulmonary embolism (80%) is D-dimer 4330 ng/mL FEU (high; 41%"
        " without it), “Sharp pain on breathing in” in the notes (62% without it) and the right"
        " lower zone of the film (70% without the film). The main evidence against it is NT-proBNP"
        " 89 pg/mL (below the cut-off of 900; 88% without it).",
        items=(measured(0, 0.39), written(1, 0.18), measured(1, -0.08)),
        maps=(RIGHT_LOWER,),
        without={"image": 0.7},
    ),
    "repeated values are one piece, with what changed": Told(
        "The main evidence for bacterial pneumonia (80%) is C-reactive protein 184 mg/L (high; up"
        " from 96 in 12 h; 50% without it). No single piece of evidence speaks clearly against it.",
        items=(measured(2, 0.3), measured(3, 0.3), measured(1, -0.004)),
        diagnosis="bacterial_pneumonia",
    ),
    "what is denied is quoted as it was denied": Told(
        "The main evidence for COPD exacerbation (80%) is “No haemoptysis” in the history (60%"
        " without it) and “Deep vein thrombosis” in the history (since 2019; 70% without it). The"
        " main evidence against it is “No calf swelling” in the notes (92% without it).",
        items=(recorded(1, 0.2), recorded(0, 0.1), written(2, -0.12)),
        diagnosis="copd_exacerbation",
    ),
    "what is not suggested begins with what speaks against it": Told(
        "The main evidence against heart failure (9%) is NT-proBNP 89 pg/mL (below the cut-off of"
        " 900; 30% without it) and the film as a whole (which is why it has no heat map; 20%"
        " without it). The main evidence for it is age 71 (5% without it).",
        0.09,
        (measured(1, -0.21), person("age", 0.04)),
        held={"image": AGAINST},
        without={"image": 0.2},
        diagnosis="heart_failure",
    ),
    "none of these is quoted, a sex is one word": Told(
        "The main evidence for “none of these” (80%) is the history as a whole (no part of it"
        " stands out; 60% without it) and the notes as a whole (no part of them stands out; 70%"
        " without them). The main evidence against it is female sex (84% without it).",
        items=(person("sex", -0.04),),
        held={"history": AS_A_WHOLE, "notes": AS_A_WHOLE},
        without={"history": 0.6, "notes": 0.7},
        diagnosis="none_of_these",
    ),
    "where much speaks for it, nothing alone changes it": Told(
        "The main evidence for pneumothorax (>99%) is the right lower zone of the film and D-dimer"
        " 4330 ng/mL FEU (high); leaving out any one of them does not change the figure. No single"
        " piece of evidence speaks clearly against it.",
        0.9999,
        (measured(0, 0.006),),
        (RIGHT_LOWER,),
        without={"image": 0.992},
        diagnosis="pneumothorax",
    ),
    "what changes less than a point, and is another number when it is rounded": Told(
        "The main evidence for pneumothorax (96%) is D-dimer 4330 ng/mL FEU (high); leaving it out"
        " hardly changes the figure. No single piece of evidence speaks clearly against it.",
        0.955,
        (measured(0, 0.006),),
        diagnosis="pneumothorax",
    ),
    "a single piece that changes nothing": Told(
        "The main evidence for pneumothorax (>99%) is D-dimer 4330 ng/mL FEU (high); leaving it"
        " out does not change the figure. No single piece of evidence speaks clearly against it."
        " No film was available.",
        0.9999,
        (measured(0, 0.006),),
        missing=("image",),
        diagnosis="pneumothorax",
    ),
    "what was missing, and what is held back and why": Told(
        "The main evidence for pulmonary embolism (80%) is D-dimer 4330 ng/mL FEU (high; 41%"
        " without it). No single piece of evidence speaks clearly against it. Neither ECG nor"
        " earlier film was available; nothing in the history or the notes is singled out, because"
        " leaving out their strongest part hardly changes the figure.",
        items=(measured(0, 0.39),),
        held={"history": LITTLE, "notes": LITTLE},
        missing=("ecg", "prior_image"),
    ),
    "held back for other reasons, each in half a clause": Told(
        "The main evidence for pulmonary embolism (80%) is D-dimer 4330 ng/mL FEU (high; 41%"
        " without it). No single piece of evidence speaks clearly against it. No measurements were"
        " available; no place on the film is singled out, because leaving out its strongest part"
        " changes the figure no more than leaving out anything else; the notes count only as a"
        " whole.",
        items=(measured(0, 0.39),),
        held={"image": NO_MORE, "notes": AS_A_WHOLE},
        missing=("measurements",),
    ),
    "the film alone": Told(
        "The main evidence for opacity (83%) is the right lower zone of the film.",
        0.83,
        maps=(RIGHT_LOWER,),
        diagnosis="opacity",
        known=("image",),
    ),
    "the film alone, which speaks for what is not suggested": Told(
        "No single piece of evidence stands out against opacity (38%). The main evidence for it is"
        " the right lower zone of the film.",
        0.38,
        maps=(RIGHT_LOWER,),
        diagnosis="opacity",
        known=("image",),
    ),
    "nothing can be told apart": Told(
        "No single piece of evidence stands out for opacity (83%). No history, notes or"
        " measurements were available; no place on the film is singled out, because as a whole it"
        " speaks against the suggestion.",
        0.83,
        held={"image": AGAINST},
        missing=("history", "notes", "measurements"),
        diagnosis="opacity",
    ),
    "an earlier record has no probabilities without its pieces": Told(
        "The main evidence for pulmonary embolism (80%) is D-dimer 4330 ng/mL FEU (high) and"
        " “Sharp pain on breathing in” in the notes. The main evidence against it is NT-proBNP 89"
        " pg/mL (below the cut-off of 900).",
        items=tuple(
            replace(item, change=None)
            for item in (measured(0, 0.4), written(1, 0.2), measured(1, -0.1))
        ),
    ),
    "a diagnosis that is a code is named": Told(
        "The main evidence for pulmonary embolism (80%) is D-dimer 4330 ng/mL FEU (high; 41%"
        " without it). No single piece of evidence speaks clearly against it.",
        items=(measured(0, 0.39),),
        diagnosis="ICD-10:I26.9",
    ),
}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_it_reads_like_this(row: Told) -> None:
    assert text(sentences(CASE, assessed(row), row.diagnosis)) == row.words


def test_every_clause_names_its_source() -> None:
    row = TABLE["labs, a note and the film for it, a lab against it"]
    made = sentences(CASE, assessed(row), row.diagnosis)
    sources = [clause.source for one in made for clause in one if clause.source]
    assert sources == [
        Value("measurements", 0, "48065-7", 4330, "ng/mL{FEU}", mark="high"),
        Quotation("notes", 0, 0, 27),
        Region("image", 0, (80.0, 0.0, 120.0, 40.0), "the right lower zone of the film"),
        Value("measurements", 1, "33762-6", 89, "pg/mL", mark="within range"),
    ]
    row = TABLE["none of these is quoted, a sex is one word"]
    made = sentences(CASE, assessed(row), row.diagnosis)
    assert [clause.source for one in made for clause in one if clause.source] == [
        Whole("history"),
        Whole("notes"),
        Entry("history", None, "sex"),
    ]


def test_a_withheld_suggestion_has_no_sentences() -> None:
    row = TABLE["the film alone"]
    made = assessed(row)
    hidden = replace(made.suggestions[0], withheld_because="the model was trained on adults")
    assert sentences(CASE, replace(made, suggestions=(hidden,)), row.diagnosis) == ()
    assert sentences(CASE, replace(made, explanations=()), row.diagnosis) == ()


def test_what_somebody_wrote_is_named_by_its_place_where_it_must_not_leave() -> None:
    row = Told("", items=(written(2, 0.3), recorded(2, 0.2), recorded(0, 0.1)))
    made = text(sentences(CASE, assessed(row), row.diagnosis, quoted=False))
    assert made.startswith(
        "The main evidence for pulmonary embolism (80%) is sentence 2 of the notes (50% without"
        " it), entry 3 of the history (60% without it) and “Deep vein thrombosis” in the history"
    )


def test_an_input_that_is_not_there_any_more_is_named_without_its_content() -> None:
    row = TABLE["labs, a note and the film for it, a lab against it"]
    made = text(sentences(CASE.without("image", "notes"), assessed(row), row.diagnosis))
    assert "sentence 1 in the notes (62% without it) and the film (70% without it)" in made
