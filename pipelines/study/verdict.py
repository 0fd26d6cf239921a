"""Is fusion worth it? The model against simpler ones, in one sentence to act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.folds.compare import ORACLE, Comparison
from pipelines.statistics.metrics import Interval

CHANCE = 0.5


@dataclass(frozen=True)
class FusionVerdict:
    """What the comparisons come to.

    Attributes:
        worth_it: whether the model is better than every simpler one; None if it cannot be said.
        sentence: the verdict.
        simpler: the model to use instead, or empty.
        reasons: one sentence for each comparison.
    """

    worth_it: bool | None
    sentence: str
    simpler: str
    reasons: tuple[str, ...]


def fusion_verdict(
    comparisons: Sequence[Comparison], areas: Mapping[str, Interval] | None = None
) -> FusionVerdict:
    """The verdict on a model.

    Of the simpler models that it is not shown to be better than, the one is named that did best on
    the same cases; of those that did as well within the margin, the simplest. Where even that
    difference may lie beyond the margin in either direction, nothing is concluded.

    Args:
        comparisons: the model against others, the simplest first (`pipelines.folds.compare`). The
            oracle is no rival: it knows how patients were simulated.
        areas: method to its macro AUROC; where neither the model nor a simpler one is shown to be
            better than chance, nothing is concluded.
    """
    rivals = [c for c in comparisons if c.second != ORACLE]
    reasons = tuple(_reason(c) for c in rivals)
    judged = [c for c in rivals if c.macro.value is not None]
    if not judged:
        words = "This cannot be concluded: no comparison with a simpler model is defined."
        return FusionVerdict(None, words, "", reasons)
    known = {
        name: (areas or {}).get(name) for name in {judged[0].first, *(c.second for c in judged)}
    }
    if areas and not any(area and (area.low or 0) > CHANCE for area in known.values()):
        ours = areas[judged[0].first]
        words = (
            "This cannot be concluded: neither fusion nor a simpler model is shown to be better"
            f" than chance (fusion: AUROC {ours})."
        )
        return FusionVerdict(None, words, "", reasons)
    unbeaten = [c for c in judged if c.verdict != "better"]
    if not unbeaten:
        gains = "; ".join(f"{_signed(c.macro)} over {c.second}" for c in judged)
        return FusionVerdict(True, f"Fusion adds AUROC: {gains}.", "", reasons)
    best = min(c.macro.value for c in unbeaten if c.macro.value is not None)
    chosen = next(
        c for c in unbeaten if c.macro.value is not None and c.macro.value <= best + c.margin
    )
    if _open(chosen):
        words = (
            f"This cannot be concluded: against {chosen.second}, fusion may be better or worse by"
            f" more than {chosen.margin:g} AUROC ({_signed(chosen.macro)}). Until more patients"
            " settle it, nothing favours the more complex model."
        )
        return FusionVerdict(None, words, chosen.second, reasons)
    words = (
        f"Use the simpler model: {chosen.second}. Fusion is not shown to be better"
        f" ({_signed(chosen.macro)} AUROC: {chosen.verdict})."
    )
    return FusionVerdict(False, words, chosen.second, reasons)


def _open(comparison: Comparison) -> bool:
    """Whether the interval reaches beyond the margin on both sides."""
    low, high = comparison.macro.low, comparison.macro.high
    return (
        low is not None and high is not None and low < -comparison.margin < comparison.margin < high
    )


def _reason(comparison: Comparison) -> str:
    if comparison.macro.value is None:
        return f"Against {comparison.second}: {comparison.verdict}."
    return f"Against {comparison.second}: {_signed(comparison.macro)}, {comparison.verdict}."


def _signed(area: Interval) -> str:
    return f"{area.value:+.3f} [{area.low:+.3f}, {area.high:+.3f}]"
