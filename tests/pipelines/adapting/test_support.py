"""Local cases speak where they know more, or where they contradict."""

from __future__ import annotations

import pytest

from clinical.model.calibration import Support
from pipelines.adapting.support import speaks

TRAINING = Support(auroc=0.80, low=0.75, positives=100, negatives=400)


@pytest.mark.parametrize(
    ("local", "speaking"),
    [
        (Support(), False),
        (Support(auroc=0.70, low=0.50), False),
        (Support(auroc=0.78, low=0.74), True),
        (Support(auroc=0.55, low=0.40), True),
    ],
)
def test_who_speaks(local: Support, speaking: bool) -> None:
    assert speaks(TRAINING, local) is speaking


def test_any_local_figure_is_more_than_none() -> None:
    assert speaks(Support(positives=2), Support(auroc=0.7, low=0.4))
