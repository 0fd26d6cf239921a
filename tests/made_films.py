"""Films that exist as frozen features only, made so that a test knows what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clinical.case.case import Case
from clinical.modalities.encoding import Prepared, TokenSource
from pipelines.laboratory.real_films.judge import Films
from pipelines.training.dataset import CachedCase, Dataset


def films_of(cells: Sequence[tuple[str, str, float, int]], *, upside_down: str = "") -> Films:
    """So many films of a source and view with a label, which the first channel tells.

    So does the first number of brightness. Of one source both tell the opposite.
    """
    rng = np.random.default_rng(1)
    cases: list[CachedCase] = []
    labels, sources, views = [], [], []
    bright: list[float] = []
    for source, view, label, number in cells:
        for _ in range(number):
            sign = -1 if source == upside_down else 1
            seen = rng.normal(0, 0.3, (4, 3))
            seen[:, 0] += sign * (np.nan_to_num(label) - 0.5)
            tokens = tuple(TokenSource(0, "patch", cell=(n // 2, n % 2)) for n in range(4))
            prepared = Prepared({"patch": seen.astype(np.float16)}, tokens)
            case = Case(f"c{len(cases)}", f"p{len(cases)}", None, {}, source)
            cases.append(CachedCase(case, {"image": (prepared,)}, f"d{len(cases)}"))
            labels.append([label])
            sources.append(source)
            views.append(view)
            bright.append(float(seen[:, 0].mean()))
    dataset = Dataset(tuple(cases), ("opacity",), np.array(labels), (), ())
    learn = ("learn",) * len(cases)
    brightness = np.array(bright)[:, None] * np.eye(8)[0]
    chosen = np.arange(len(cases))
    return Films({"": dataset}, tuple(sources), tuple(views), learn, brightness, chosen)
