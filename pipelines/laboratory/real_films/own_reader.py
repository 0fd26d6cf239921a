"""The product's own reader of films, attention over patches, taught by the films of some sources.

It is trained as `triptych train` trains it (`pipelines.training.train`). Films come as often as
`readers.balance` weighs them, and a fifth of the patients ends the training early.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clinical.config import TrainingConfig
from clinical.model.model import Model
from pipelines.jobs.cache import kept
from pipelines.laboratory.real_films.judge import SEED, Films, Reader, Values, study_of
from pipelines.training.fit import predict
from pipelines.training.train import prepare_cached, train_model

_TRAINING = TrainingConfig(augmentations=0, teachers=False, space_epochs=0)
_KEPT_BACK = 0.2


def own(crop: str, *, seed: int = SEED) -> Reader:
    """The reader on a crop."""
    name = ["own reader", crop] + ([] if seed == SEED else [str(seed)])

    def read(lessons: Films) -> Values:
        def odds() -> Values:
            return said(trained(lessons, crop, seed=seed), lessons.where_all(), crop)

        return kept(lessons.kept_at(crop, name), odds)

    return read


def said(model: Model, films: Films, crop: str) -> Values:
    """Log odds of an opacity, before calibration, of the chosen films."""
    cases = [films.encoded[crop].cases[film] for film in films.chosen]
    return predict(model.network, [prepare_cached(case, model.specs)[0] for case in cases])[:, 0]


def trained(lessons: Films, crop: str, *, seed: int = SEED) -> Model:
    """A model that the chosen films with a weight have taught."""
    plain = study_of(crop)
    study = replace(plain, seed=seed, model=replace(plain.model, space=0), training=_TRAINING)
    people = sorted(set(lessons.patients))
    drawn = np.random.default_rng(seed).permutation(len(people))[: round(_KEPT_BACK * len(people))]
    back = np.isin(lessons.patients, [people[n] for n in drawn])
    weights = lessons.weights
    validation = lessons.chosen[back & (weights > 0)]
    return train_model(lessons.encoded[crop], repeated(lessons, ~back), validation, study).model


def repeated(lessons: Films, keep: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The kept films with a weight, each at least once, and as often as its cell counts."""
    weights = lessons.weights
    used = keep & (weights > 0)
    cells: dict[tuple[str, str, float], list[int]] = {}
    for place in np.flatnonzero(used):
        film = int(lessons.chosen[place])
        key = lessons.sources[film], lessons.views[film], float(lessons.labels[place])
        cells.setdefault(key, []).append(int(place))
    share = {key: float(weights[places].sum()) for key, places in cells.items()}
    scale = max(len(places) / share[key] for key, places in cells.items())
    rows = [np.resize(places, round(scale * share[key])) for key, places in cells.items()]
    return np.asarray(lessons.chosen[np.concatenate(rows)])
