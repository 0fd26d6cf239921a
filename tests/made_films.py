"""Films that exist as frozen features only, made so that a test knows what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clinical.case.case import Case
from clinical.modalities.encoding import Prepared, TokenSource
from pipelines.laboratory.real_films.judge import Films
from pipelines.training.dataset import CachedCase, Dataset


def films_of(
    cells: Sequence[tuple[str, str, float, int]],
    *,
    upside_down: str = "",
    crop: str = "",
    side: int = 2,
    channels: int = 3,
) -> Films:
    """So many films of a source and view with a label, which the first channel tells.

    Of one source it tells the opposite.
    """
    rng = np.random.default_rng(1)
    place = np.array([(0, cell) for cell in range(side**2)], dtype=np.int64)
    cases: list[CachedCase] = []
    labels, sources, views = [], [], []
    for source, view, label, number in cells:
        for _ in range(number):
            sign = -1 if source == upside_down else 1
            seen = rng.normal(0, 0.3, (side**2, channels))
            seen[:, 0] += sign * (np.nan_to_num(label) - 0.5)
            tokens = tuple(
                TokenSource(0, "patch", cell=(n // side, n % side)) for n in range(side**2)
            )
            prepared = Prepared({"patch": seen.astype(np.float16), "place": place}, tokens)
            case = Case(f"c{len(cases)}", f"p{len(cases)}", None, {}, source)
            cases.append(CachedCase(case, {"image": (prepared,)}, f"d{len(cases)}"))
            labels.append([label])
            sources.append(source)
            views.append(view)
    dataset = Dataset(tuple(cases), ("opacity",), np.array(labels), (), ())
    learn = ("learn",) * len(cases)
    return Films({crop: dataset}, tuple(sources), tuple(views), learn, np.arange(len(cases)))
