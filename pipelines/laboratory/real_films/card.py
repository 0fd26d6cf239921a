"""The card of the model for real films: what it was judged by, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clinical.modalities.radiograph.rows import IMAGE
from clinical.model.calibration import USEFUL_AUROC
from clinical.model.model import Model
from clinical.wording import RESEARCH_USE
from pipelines.laboratory.real_films import accepted, judge
from pipelines.laboratory.real_films.accepted import Count
from pipelines.laboratory.real_films.gather import OPACITY
from pipelines.laboratory.real_films.judge import Result

_LICENCES = (
    "| nih | NIH ChestX-ray14 (Wang et al. 2017), provided by the NIH Clinical Center | attribution"
    " |",
    "| kermany | Kermany, Zhang, Goldbaum 2018 (doi 10.17632/rscbjbr9sj) | CC BY 4.0 |",
    "| hannover | Winther et al. 2020 (doi 10.6084/m9.figshare.12275009) | CC BY 3.0 |",
    "| covid | Cohen et al. 2020 (covid-chestxray-dataset) | of each image; NC and SA only tested"
    " |",
)


def written(
    model: Model,
    reader: str,
    source: str,
    results: Sequence[Result],
    again: Sequence[Result],
    counts: Mapping[str, Count],
) -> str:
    """The card in Markdown.

    Args:
        model: that ships.
        reader, source: that the rule chose, and the source that did not teach it.
        results: of every candidate on every source.
        again: of the same training with other seeds.
        counts: what is accepted and refused, by kind of picture.
    """
    support, facts = model.support[IMAGE][OPACITY], model.facts
    views = " or ".join(model.specs[IMAGE].settings.projections)
    lines = [
        f"# Model card: {model.name}",
        "",
        f"**{RESEARCH_USE}** Identity `{model.identity.digest}`, configuration"
        f" `{model.identity.configuration_digest}`.",
        "",
        "## What it says, and of whom",
        "",
        _speaks(model, views),
        "",
        f'It has one label: an opacity on a frontal film, yes or no. The reader is "{reader}",'
        " chosen by a rule that was written before the candidates were judged"
        " (docs/real-films.md).",
        "",
        f"- The weights learnt from every source but {source}"
        f" ({facts['training_patients']:,} patients), and are the ones that were judged on it.",
        f"- Films of {source}, of patients and views that it speaks of, gave calibration and"
        f" threshold ({facts['validation_cases']:,} films of {facts['validation_patients']:,}"
        f" patients, {support.positives} with an opacity) and the domain mark. So the AUROC there"
        " is of films that no weight has seen; the calibrated probability is not, and goes with"
        f" a share of opacities of {model.prevalence[OPACITY]:.0%}, which is that of these sets and"
        " of no department.",
        "",
        f"Taught again with {len(again)} other seeds, AUROC on the same films is"
        f" {', '.join(f'{one.auroc.value or 0:.3f}' for one in again)}: as far apart as the"
        " interval is wide.",
        "",
        "## Every source left out in turn",
        "",
        judge.table(results),
        "Kermany's films with pneumonia are blurred, and NIH's labels were mined from reports:"
        " a figure above chance may rest on either.",
        "",
        "## What it takes for its own",
        "",
        accepted.table(counts),
        "## What it must not be used for",
        "",
        "- Decisions about patients. It is research software; of two films, one with an opacity"
        " and one without, it finds the right one hardly two times in three.",
        '- Anything but "is there an opacity": it names no disease, no side, no size.',
        "- To rule anything out: a film without a suggestion has not been found normal.",
        f"- Films whose view is not stated, or is not {views}; patients of other ages.",
        "- Comparing hospitals, or counting opacities.",
        "",
        "## Sources and licences",
        "",
        "| source | from | licence |",
        "| --- | --- | --- |",
        *_LICENCES,
        "",
    ]
    return "\n".join(lines)


def _speaks(model: Model, views: str) -> str:
    support = model.support[IMAGE][OPACITY]
    figure = f"AUROC {support.auroc:.3f}, 95% interval from {support.low:.3f}"
    if support.low is not None and support.low >= USEFUL_AUROC:
        return (
            f"It speaks of {views} films of {model.ages.words} that look like those it was judged"
            f" on ({figure}), and withholds everything of every other film."
        )
    return (
        f"**It suggests nothing.** No reader was good enough on films that its weights had not"
        f" seen ({figure}; {USEFUL_AUROC} is the least that is shown). It outlines the lungs, and"
        " says what a film seems to be."
    )
