"""`triptych check-explanations`: evaluate a model's explanations on a cohort that has masks.

out/ pointing.json   every score and difference, with intervals
     pointing.md     the same as tables
     examples.png    a few cases: radiograph with mask outline, and the maps of three methods
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from clinical.cohorts.sources import source
from clinical.errors import CohortError, ConfigError
from clinical.modalities.encoding import Prepared
from clinical.modalities.radiograph.encoder import cells_of
from clinical.model.model import Model, load
from clinical.workspace import own_file
from pipelines.explanations import contact_sheet, faithfulness, gated, pointing, truth, truth_tables
from pipelines.explanations.faithfulness import Fall
from pipelines.explanations.gated import Passed
from pipelines.explanations.pointing import MACRO, Game
from pipelines.explanations.saliency import OURS, Scores
from pipelines.explanations.truth import Against
from pipelines.explanations.unseen_cases import read_unseen
from pipelines.statistics.metrics import Interval
from pipelines.training import masks
from pipelines.training.dataset import Dataset
from pipelines.training.train import prepare_cached


@dataclass(frozen=True)
class Judged:
    """What `judge` found, and where it wrote it."""

    game: Game
    falls: tuple[Fall, ...]
    report: Path


def judge(
    root: Path, model_folder: Path, out: Path, prior: Path | None = None, *, samples: int = 1000
) -> Judged:
    """Play the pointing game and measure faithfulness on unseen cases.

    Args:
        root: a cohort in the folder format with masks.csv; none of its patients may have been
            in training.
        model_folder: the checkpoint.
        out: for the results and for the cached features of the images.
        prior: the training cohort, for the mean mask of each diagnosis; None leaves it out.
        samples: of the patient bootstrap.

    Raises:
        CohortError: if the cohort has no masks, or no diagnosis of the model shows in them.
        ModelError: if the checkpoint cannot be used.
    """
    model = load(model_folder)
    found = _masks(root)
    dataset = read_unseen(root, model, out)
    cases = [prepare_cached(cached, model.specs)[0] for cached in dataset.cases]
    names = [(c.case.case_id, c.case.patient_id) for c in dataset.cases]
    points = pointing.play(
        model.network, cases, names, dataset.labels, model.diagnoses, found, _priors(prior, model)
    )
    if not points:
        raise CohortError(
            "None of the model's diagnoses has a mask in this cohort.",
            remedy=f"diagnoses that can be pointed at: {', '.join(masks.FINDINGS_OF)}",
        )
    game = pointing.summarise(points, samples=samples)
    falls = faithfulness.measure(model, cases, dataset.patients, dataset.labels)
    lines = tuple(faithfulness.summarise(falls, samples=samples))
    ids = [name for name, _ in names]
    passed = gated.measure(model, cases, ids, dataset.labels, found)
    against = _against(root, model, dataset, cases, samples)
    report = _write(out, model, game, lines, passed, against)
    prepared = {name: case for (name, _), case in zip(names, cases, strict=True)}
    contact_sheet.write(out / "examples.png", root, model, prepared, found, points)
    return Judged(game, lines, report)


def _against(
    root: Path,
    model: Model,
    dataset: Dataset,
    cases: Sequence[Mapping[str, Prepared]],
    samples: int,
) -> Against | str:
    """What the simulation knows better, or why that cannot be told of this cohort."""
    try:
        found = truth.measure(root, model, [cached.case for cached in dataset.cases], cases)
    except ConfigError as error:
        return str(error)
    if not found:
        return "No suggestion rests on a piece whose worth is known."
    return truth.summarise(found, samples=samples)


def _write(
    out: Path,
    model: Model,
    game: Game,
    falls: Sequence[Fall],
    passed: Sequence[Passed],
    against: Against | str,
) -> Path:
    described = {
        "model": asdict(model.identity),
        "tolerance": pointing.TOLERANCE,
        "pointing": asdict(game),
        "faithfulness": [asdict(fall) for fall in falls],
        "gate": {
            "inputs": [asdict(line) for line in gated.by_input(passed)],
            "maps": [asdict(line) for line in gated.of_maps(passed)],
        },
        "truth": asdict(against) if isinstance(against, Against) else against,
    }
    out.mkdir(parents=True, exist_ok=True)
    own_file.write(out / "pointing.json", json.dumps(described, indent=1) + "\n")
    report = out / "pointing.md"
    own_file.write(report, markdown(model, game, falls, passed, against))
    return report


def _masks(root: Path) -> masks.Masks:
    found = masks.read_masks(root)
    if not found:
        raise CohortError(
            f"{root} has no {masks.TABLE}.",
            remedy="give a cohort that `triptych simulate` wrote, which says where findings are",
        )
    return found


def _priors(root: Path | None, model: Model) -> dict[str, Scores]:
    if root is None:
        return {}
    truth = [
        o for o in source("folder").outcomes(root) if o.value and o.diagnosis in model.diagnoses
    ]
    cases = sorted({outcome.case_id for outcome in truth})
    labels = pointing.label_table(truth, cases, model.diagnoses)
    cells = cells_of(model.specs[masks.IMAGE].settings)
    return pointing.mean_masks(_masks(root), cases, labels, model.diagnoses, cells)


def markdown(
    model: Model,
    game: Game,
    falls: Sequence[Fall],
    passed: Sequence[Passed],
    against: Against | str,
) -> str:
    """All measurements as Markdown tables."""
    lines = [
        f"# Explanations of {model.name}, `{model.identity.digest[:12]}`",
        "",
        f"{game.cases} cases of {game.patients} patients with a true diagnosis that shows on the"
        " radiograph. Intervals: 95%, patient bootstrap; differences are paired.",
        "",
        "## Pointing game",
        "",
        "Hit: the centre of the strongest patch lies in the mask or within"
        f" {pointing.TOLERANCE:.1%} of"
        " the image's longer side (15 pixels at 512). Energy: share of the map inside the mask.",
        "",
    ]
    for title, kind in (("Hit rate", "hit"), ("Energy", "energy")):
        lines += [*_game_table(game, title, kind), ""]
    lines += [
        f"## {OURS} minus another, mean over diagnoses",
        "",
        "| minus | hit rate | energy |",
        "|---|---|---|",
    ]
    lines += [f"| {g.method} | {g.hit} | {g.energy} |" for g in game.gains if g.diagnosis == MACRO]
    lines += ["", *_faithfulness_tables(falls), *_gate_tables(passed), ""]
    if isinstance(against, Against):
        lines += truth_tables.tables(against)
    else:
        lines += [f"Not compared with the truth: {against}"]
    return "\n".join(lines) + "\n"


def _gate_tables(passed: Sequence[Passed]) -> list[str]:
    lines = [
        "## What is held back",
        "",
        "Of suggestions at or above their threshold. Blind: relevance dealt out blindly among the"
        " pieces of the input, which explains nothing; where a tenth is one piece it is by chance"
        " the right one in one of so many.",
        "",
        "| input | suggestions | held back | blind, and shown all the same | why |",
        "|---|---|---|---|---|",
    ]
    for one in gated.by_input(passed):
        why = "; ".join(f"{count} {reason}" for reason, count in one.reasons.items())
        cells = (one.modality, str(one.suggestions), f"{one.held:.1%}", f"{one.blind:.1%}", why)
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| maps of true findings | number | hit rate | energy |", "|---|---|---|---|"]
    for maps in gated.of_maps(passed):
        words = "held back" if maps.held else "shown"
        hit, energy = ("-" if v is None else f"{v:.3f}" for v in (maps.hit, maps.energy))
        lines.append(f"| {words} | {maps.maps} | {hit} | {energy} |")
    return lines


def _game_table(game: Game, title: str, kind: str) -> list[str]:
    diagnoses = list(dict.fromkeys(s.diagnosis for s in game.scores))
    scores = {(s.diagnosis, s.method): getattr(s, kind) for s in game.scores}
    heads = [f"{name} ({scores[name, OURS].cases})" for name in diagnoses]
    lines = [f"| {title} | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for method in dict.fromkeys(s.method for s in game.scores):
        cells = [
            str(scores[name, method]) if name == MACRO else _rate(scores[name, method])
            for name in diagnoses
        ]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return lines


def _rate(found: Interval) -> str:
    return "-" if found.value is None else f"{found.value:.3f}"


def _faithfulness_tables(falls: Sequence[Fall]) -> list[str]:
    lines = [
        "## Faithfulness",
        "",
        "Mean drop in the calibrated probability of a true diagnosis. Comprehensiveness: without"
        " the tokens ranked highest, more is better. Sufficiency: with only those, less is better"
        f" (and {OURS} is ahead where its difference is below 0).",
        "",
    ]
    shares = [f"{share:.0%}" for share in faithfulness.SHARES]
    for part in dict.fromkeys(fall.part for fall in falls):
        for measure in dict.fromkeys(fall.measure for fall in falls):
            rows = [f for f in falls if (f.part, f.measure) == (part, measure)]
            head = f"| {part}, {measure} | " + " | ".join(shares)
            lines += [f"{head} | mean | {OURS} minus it |", "|---" * (len(shares) + 3) + "|"]
            for method in dict.fromkeys(fall.method for fall in rows):
                found = {f.share: f for f in rows if f.method == method}
                cells = [_rate(found[share].fall) for share in faithfulness.SHARES]
                ahead = found[None].ahead
                cells += [str(found[None].fall), "" if ahead is None else str(ahead)]
                lines.append(f"| {method} | " + " | ".join(cells) + " |")
            lines.append("")
    return lines
