"""Whether local cases support a suggestion, or speak against one that the training supported.

Per diagnosis and availability pattern there are two figures: the AUROC of the training's validation
patients and that of local cases. The one that knows more precisely speaks. The local one speaks too
where the training has none, and where its whole interval lies below that of the training.
"""

from __future__ import annotations

from dataclasses import replace

from clinical.model.calibration import Support, fit_support
from pipelines.adapting.change import Change
from pipelines.adapting.evidence import Values

_Z = 1.96


def supported(
    before: Support, change: Change, logits: Values, labels: Values
) -> tuple[Support, bool]:
    """Calibration and support of one diagnosis under one pattern; and whether local cases say so.

    Args:
        before: of the model as it was.
        change: of the log odds.
        logits: of local cases with all modalities of the pattern, unseen [cases].
        labels: 1, 0 or NaN for unknown [cases].
    """
    adapted = replace(
        before,
        slope=change.slope * before.slope,
        intercept=change.slope * before.intercept + change.intercept,
    )
    local = fit_support(logits, labels)
    if local.auroc is None or local.low is None or not speaks(before, local):
        return adapted, False
    return (
        replace(
            adapted,
            auroc=local.auroc,
            low=local.low,
            positives=local.positives,
            negatives=local.negatives,
        ),
        True,
    )


def speaks(before: Support, local: Support) -> bool:
    """Whether the local figure takes the place of that of the training."""
    if local.auroc is None or local.low is None:
        return False
    if before.auroc is None or before.low is None:
        return True
    here, there = local.auroc - local.low, before.auroc - before.low
    # Distances to the lower ends are 1.96 standard errors each.
    return here <= there or local.auroc + here < before.low
