"""The one road from a case to an assessment. Batch, page and tests all use it.

Computation runs on one thread and one case at a time, so the same case and model give the same
assessment to the last bit, whatever else is assessed beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from clinical import conditions
from clinical.assess import explain
from clinical.assess.mirrored import seems_mirrored
from clinical.case.assessment import (
    NO_SETS,
    Assessment,
    ModalityLedger,
    OutOfDistribution,
    PredictionSet,
    Suggestion,
)
from clinical.case.case import Case, input_digest
from clinical.case.withheld import Reason, unlike_training
from clinical.modalities.catalogue import EncoderModule, encoder
from clinical.modalities.encoding import Prepared, mean_embedding
from clinical.modalities.kit import kit_of, person
from clinical.model import calibration, conflict, domain, space
from clinical.model.calibration import Pattern
from clinical.model.card import SHIPPED_MODEL
from clinical.model.fusion import Tokens
from clinical.model.model import Model, load, parts, prepare_case
from clinical.wording import words

_SHOWN, _LONGEST = 6, 40  # codes in a sentence, characters of a code


@dataclass(frozen=True, eq=False)
class Scores:
    """What a model says of one case; why it says so costs more, and only an assessment tells.

    Attributes:
        prepared: the case as the model takes it.
        tokens: that its encoders made of it.
        seen: what was read of all its inputs.
        used: modalities that it has.
        suggestions: most probable first; withheld ones last.
        prediction_set: what the set of diagnoses means, or why there is none.
        ledger: what each modality contributes.
        outside: whether the case is like those the model was trained on.
        too_far: why none of this can be trusted, or None.
        vectors: modality to its place in the shared space; empty where the model has none.
    """

    prepared: Mapping[str, Prepared]
    tokens: Tokens
    seen: explain.Read
    used: Pattern
    suggestions: tuple[Suggestion, ...]
    prediction_set: PredictionSet
    ledger: ModalityLedger
    outside: OutOfDistribution
    too_far: Reason | None
    vectors: Mapping[str, conflict.Values]


class Assessor:
    """A model ready to assess one case after another.

    Attributes:
        model: the model.
        conditions: under what it computes here, for the record.
    """

    def __init__(self, model: Model) -> None:
        torch.set_num_threads(1)
        self.model = model
        self.conditions = conditions.of(parts(model))

    def warm(self) -> None:
        """Load now what would be loaded at the first film, note and so on: assess an example."""
        encoders = {name: encoder(spec.encoder) for name, spec in self.model.specs.items()}
        examples = {name: module.EXAMPLE for name, module in encoders.items()}
        self.assess(Case("example", "example", None, examples))

    def assess(self, case: Case, *, age_years: float | None = None) -> Assessment:
        """Assess one case; outcomes are never read on this road.

        Args:
            case: what was known.
            age_years: of the patient, where the case does not say it.
        """
        model = self.model
        known = person(case).age_years
        age = age_years if known is None else known
        found = self.score(prepare_case(case, model.specs), age_years=age)
        weighed = explain.weigh(model.network, found.seen, found.prepared)
        explained = {
            e.diagnosis: e
            for e in explain.explanations(
                weighed, found.tokens, found.prepared, model.specs, self._calibrations(found.used)
            )
        }
        return Assessment(
            case_id=case.case_id,
            patient_id=case.patient_id,
            model=model.identity,
            input_digest=input_digest(case),
            used=found.used,
            missing=tuple(name for name in model.specs if name not in found.used),
            unknown=tuple(sorted(name for name in case.inputs if name not in model.specs)),
            suggestions=found.suggestions,
            ledger=found.ledger,
            explanations=tuple(explained[s.diagnosis] for s in found.suggestions),
            conflicts=(
                *self._conflicts(found),
                # Of an image unlike those it was measured on, the rule says nothing.
                *(() if found.too_far else seems_mirrored(case, model.mirror)),
            ),
            out_of_distribution=found.outside,
            problems=tuple(str(problem) for problem in case.problems),
            prediction_set=found.prediction_set,
            unknown_codes=self._unknown_codes(case, found.prepared),
        )

    def score(self, prepared: Mapping[str, Prepared], *, age_years: float | None = None) -> Scores:
        """What the model says of one prepared case, without why.

        Args:
            prepared: the case as the model takes it.
            age_years: of the patient; a model withholds what it says of an age it has not learnt.
        """
        model = self.model
        used = tuple(name for name in model.specs if name in prepared and prepared[name].sources)
        with torch.inference_mode():
            tokens = model.network.encode([prepared])
        seen = explain.read(model.network, tokens)
        outside = self._domain(prepared)
        too_far = self._beyond(outside, age_years)
        return Scores(
            prepared,
            tokens,
            seen,
            used,
            self._suggestions(seen.logits.detach().double().tolist(), used, too_far),
            self._prediction_set(used, too_far),
            self._ledger(tokens, used),
            outside,
            too_far,
            self._vectors(tokens),
        )

    def _suggestions(
        self, logits: Sequence[float], used: Pattern, too_far: Reason | None
    ) -> tuple[Suggestion, ...]:
        model = self.model
        row = model.support.get(calibration.pattern_key(used))
        # Coverage is a promise about cases like those of validation, and this may not be one.
        rule = None if too_far else model.set_rules.get(calibration.pattern_key(used))
        found = []
        for name, logit in zip(model.diagnoses, logits, strict=True):
            support = row[name] if row else None
            reason = too_far or calibration.withheld(support, used, model.prevalence[name])
            probability = calibration.apply(logit, support or calibration.Support())
            found.append(
                Suggestion(
                    name,
                    probability,
                    model.thresholds[name],
                    model.prevalence[name],
                    reason.sentence if reason else None,
                    None if rule is None else probability >= rule.cuts[name],
                    logit,
                )
            )
        return tuple(sorted(found, key=lambda s: (s.withheld_because is not None, -s.probability)))

    def _beyond(self, outside: OutOfDistribution, age_years: float | None) -> Reason | None:
        """Why nothing that the model says of this case can be trusted, or None."""
        unlike = unlike_training(outside.reasons) if outside.flagged else None
        return self.model.ages.outside(age_years) or unlike

    def _prediction_set(self, used: Pattern, too_far: Reason | None) -> PredictionSet:
        if not self.model.set_rules:
            return NO_SETS
        if too_far:
            return PredictionSet(absent_because=too_far.because)
        rule = self.model.set_rules.get(calibration.pattern_key(used))
        if rule is None:
            return PredictionSet(absent_because="too few validation cases to calibrate it")
        return PredictionSet(rule.coverage, rule.cases, rule.pooled)

    def _vectors(self, tokens: Tokens) -> dict[str, conflict.Values]:
        if self.model.network.space is None:
            return {}
        with torch.inference_mode():
            found = space.of_case(self.model.network.space(tokens))
        return {name: vector.astype(np.float64) for name, vector in found.items()}

    def _ledger(self, tokens: Tokens, used: Pattern) -> ModalityLedger:
        alone: dict[str, Mapping[str, float]] = {}
        without: dict[str, Mapping[str, float]] = {}
        for name in used:
            rest = tuple(other for other in used if other != name)
            alone[name] = self._probabilities(tokens, hidden=rest, pattern=(name,))
            if rest:
                without[name] = self._probabilities(tokens, hidden=(name,), pattern=rest)
        return ModalityLedger(alone, without)

    def probabilities(self, found: Scores, left: Sequence[Pattern]) -> list[dict[str, float]]:
        """Diagnosis to probability under each pattern, had the case only those modalities.

        All patterns make one batch, which no other case is part of.
        """
        if not left:
            return []
        gone = [[name for name in found.tokens.spans if name not in names] for names in left]
        with torch.inference_mode():
            masks = torch.cat([found.tokens.keep(names).mask for names in gone])
            logits = self.model.network(found.tokens.under(masks))[0]
        rows = zip(left, logits.double().tolist(), strict=True)
        return [self._calibrated(row, names) for names, row in rows]

    def _probabilities(
        self, tokens: Tokens, hidden: Sequence[str], pattern: Pattern
    ) -> dict[str, float]:
        with torch.inference_mode():
            logits = self.model.network(tokens.keep(hidden))[0][0].double().tolist()
        return self._calibrated(logits, pattern)

    def _calibrated(self, logits: Sequence[float], pattern: Pattern) -> dict[str, float]:
        calibrations = self._calibrations(pattern)
        rows = zip(calibrations.items(), logits, strict=True)
        return {name: calibrate(logit) for (name, calibrate), logit in rows}

    def _calibrations(self, pattern: Pattern) -> dict[str, explain.Calibrated]:
        """Diagnosis, in the model's order, to what makes its logit a probability."""
        row = self.model.support.get(calibration.pattern_key(pattern), {})
        return {
            name: partial(calibration.apply, support=row.get(name, calibration.Support()))
            for name in self.model.diagnoses
        }

    def _encoder(self, name: str) -> EncoderModule:
        return encoder(self.model.specs[name].encoder)

    def _domain(self, prepared: Mapping[str, Prepared]) -> OutOfDistribution:
        embeddings = {
            name: embedding
            for name, value in prepared.items()
            if name in self.model.envelopes
            and (embedding := mean_embedding(value, self._encoder(name).EMBEDDING)) is not None
        }
        unknown = {
            name: (value.unknown, value.unknown + len(value.sources))
            for name, value in prepared.items()
            if self._encoder(name).VOCABULARY
        }
        found = domain.judge(embeddings, self.model.envelopes, unknown)
        doubts = [f"{name}: {why}" for name, value in prepared.items() for why in value.doubts]
        if not doubts:
            return found
        return OutOfDistribution(found.score, True, (*doubts, *found.reasons))

    def _unknown_codes(self, case: Case, prepared: Mapping[str, Prepared]) -> tuple[str, ...]:
        found = []
        for name, value in case.inputs.items():
            if name not in prepared or not prepared[name].unknown:
                continue
            kit, read = kit_of(name, value), {s.index for s in prepared[name].sources}
            stated = [item.name if item.value is not None else "" for item in kit.measured(value)]
            stated += [event.code for event in kit.coded(value)]
            missed = [word for index, word in enumerate(stated) if word and index not in read]
            if missed:
                found.append(_unknown_sentence(name, missed, sum(map(bool, stated))))
        return tuple(found)

    def _conflicts(self, found: Scores) -> tuple[str, ...]:
        """The input that disagrees most with the others, where hardly an honest case does as much.

        One of them: if the film is another patient's, the other inputs disagree with it, too.
        """
        model = self.model
        # A sentence about what is withheld would show what is withheld.
        shown = {s.diagnosis for s in found.suggestions if s.withheld_because is None}
        if model.conflict is None or not shown or not found.ledger.without:
            return ()
        values = {
            name: rule.p_value(self._compared(found, name))
            for name, rule in model.conflict.rules.items()
            if name in found.ledger.without
        }
        if not values or min(values.values()) > conflict.MARKED / len(values):
            return ()
        name = min(values, key=values.__getitem__)
        rare = round(1 / (values[name] * len(values)))  # any of them could have been the one
        sentence = (
            f"{words(name)} against {_listed([n for n in found.used if n != name])}: of cases whose"
            f" inputs belong together about 1 in {rare} disagrees as much"
        )
        alone, others = (row[name] for row in (found.ledger.alone, found.ledger.without))
        about = [diagnosis for diagnosis in model.diagnoses if diagnosis in shown]
        worst = about[
            conflict.pulled(*(_row(row, about) for row in (alone, others, model.prevalence)))
        ]
        return (
            f"{sentence}; most about {words(worst)}: {words(name)} alone gives {alone[worst]:.0%},"
            f" the others {others[worst]:.0%}",
        )

    def _compared(self, found: Scores, name: str) -> conflict.Values:
        """One input with all others."""
        model, ledger, vectors = self.model, found.ledger, found.vectors
        own = {name: vectors[name]} if name in vectors else {}
        rest = {other: vector for other, vector in vectors.items() if other != name}
        return conflict.features(
            conflict.Side(_row(ledger.alone[name], model.diagnoses), own),
            conflict.Side(_row(ledger.without[name], model.diagnoses), rest),
            _row(model.prevalence, model.diagnoses),
            tuple(model.specs),
        )


def _row(found: Mapping[str, float], names: Sequence[str]) -> conflict.Values:
    return np.array([found[name] for name in names])


def _listed(names: Sequence[str]) -> str:
    """ "measurements, history and notes"."""
    *most, last = map(words, names)
    return f"{', '.join(most)} and {last}" if most else last


def _unknown_sentence(name: str, missed: Sequence[str], items: int) -> str:
    """ "history: 3 of 7 items are unknown to this model: I50.22, 428.0"."""
    different = list(dict.fromkeys(missed))
    # A code may be somebody's own words, and as long as they like.
    words = [word if len(word) <= _LONGEST else f"{word[:_LONGEST]}…" for word in different]
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    count = f"{len(missed)} of {items} {'item is' if items == 1 else 'items are'}"
    return f"{name}: {count} unknown to this model: {', '.join(words[:_SHOWN])}{more}"


def load_assessor(folder: Path | None = None) -> Assessor:
    """An assessor with the model in `folder`, or with the one that ships with the package.

    Raises:
        ModelError: if the checkpoint cannot be used.
    """
    return Assessor(load(folder or SHIPPED_MODEL))
