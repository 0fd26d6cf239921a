"""From a model and a cohort to a folder with the adapted model and its report."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from clinical.errors import ConfigError, ModelError
from clinical.model import model as models
from clinical.model.card import WORDS as CARD
from clinical.model.model import Model
from pipelines.adapting import adapted_model, curve, judged, report
from pipelines.adapting.adaptation import Adapted, adapt
from pipelines.adapting.card import adapted_card
from pipelines.adapting.report import Findings
from pipelines.adapting.site import Place, Site, read_site
from pipelines.adapting.thresholds import Goal
from pipelines.jobs.progress import bar
from pipelines.reports import html, markdown

MODEL, FEATURES = "model", "features"
PAGE, WORDS, NUMBERS = "report.html", "report.md", "adaptation.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_AGAIN = re.compile(r"(.*-adapted)(?:-(\d+))?")


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        model: folder of the model to adapt.
        place: the cases of the site.
        goal: of the thresholds.
        name: of the new model; empty: that of the old one, with "-adapted".
        samples: of every patient bootstrap.
    """

    model: Path
    place: Place
    goal: Goal
    name: str = ""
    samples: int = 1000


@dataclass(frozen=True, eq=False)
class Done:
    """What came of it; `model` is None where the cases support no change."""

    model: Model | None
    findings: Findings
    sentence: str


def adapt_model(wanted: Wanted, out: Path) -> Done:
    """Adapt a model and write it, its card and the report into `out`.

    Args:
        wanted: what is asked for.
        out: folder for the results. The model appears in it when it is whole, and last; a run that
            was stopped leaves frozen features only, and resumes from them.

    Raises:
        ConfigError: if the goal cannot be aimed at, or the folder holds a model already.
        CohortError: if the cohort cannot be adapted to (`read_site`, `judged.folds_of`).
        ModelError: if the model cannot be used, or has seen these cases.
    """
    wanted.goal.check()
    if wanted.goal.sensitivity is not None and not wanted.place.labelled:
        raise ConfigError(
            "A sensitivity cannot be aimed at without labelled cases.",
            remedy="leave --cases 0 out, or give --alert-rate, which needs none",
        )
    if (out / MODEL).exists():
        raise ConfigError(f"{out} holds a model already.", remedy="choose another folder")
    torch.set_num_threads(1)
    model = models.load(wanted.model)
    name = _name(wanted.name, model)
    site = read_site(model, wanted.place, _features(out))
    adapted_model.check_new(model, site)
    found, adapted = _found(model, site, wanted)
    new = None
    if adapted.anything:
        new = adapted_model.built(model, adapted, found.record, name)
    _write(out, found, new)
    return Done(new, found, report.sentence(found))


def _found(model: Model, site: Site, wanted: Wanted) -> tuple[Findings, Adapted]:
    """Judge and adapt; a bar tells how far it is."""
    seed, samples, goal = wanted.place.seed, wanted.samples, wanted.goal
    folds = judged.folds_of(site, seed)
    labelled = bool(len(site.labelled))
    with bar() as display:
        count = len(folds) + 1 + (curve.tasks(site, folds) if labelled else 0)
        task = display.add_task("adapt", total=count, note="")

        def advance() -> None:
            display.advance(task)

        told = judged.held_out(model, site, goal, folds, seed, advance)
        adapted = adapt(model, site, goal, seed, told.most)
        advance()
        drawn = {"samples": samples, "seed": seed}
        learning = curve.curve(model, site, folds, report=advance, **drawn) if labelled else None
    found = Findings(
        record=adapted_model.record_of(model, site, adapted, goal, seed),
        skipped=site.skipped,
        doubled=site.doubled,
        before=judged.whole(site, told.before, **drawn),
        after=judged.whole(site, told.after, **drawn),
        diagnoses=judged.compared(model, site, told, **drawn),
        kinds=told.kinds,
        curve=learning,
        changed=adapted.anything,
    )
    return found, adapted


def _name(wanted: str, model: Model) -> str:
    if wanted:
        if not _NAME.fullmatch(wanted) or wanted == model.name:
            raise ConfigError(
                f"The new model cannot be called {wanted!r}.",
                remedy="use letters, digits, - and _, and another name than that of the old one",
            )
        return wanted
    again = _AGAIN.fullmatch(model.name)
    return f"{again[1]}-{int(again[2] or 1) + 1}" if again else f"{model.name}-adapted"


def _features(out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    return out / FEATURES


def _write(out: Path, found: Findings, new: Model | None) -> None:
    """The report, and then the model; each is whole before it has its name."""
    written = report.document(found)
    files = {
        PAGE: html.page(written),
        WORDS: markdown.text(written),
        NUMBERS: json.dumps(report.to_json(found), indent=1, allow_nan=False) + "\n",
    }
    with _apart(out) as part:
        for name, content in files.items():
            (part / name).write_text(content, encoding="utf-8")
        if new is not None:
            models.save(new, part / MODEL)
            (part / MODEL / CARD).write_text(adapted_card(new), encoding="utf-8")
            if models.load(part / MODEL).identity != new.identity:
                raise ModelError(f"The model in {out} is not what was saved.", remedy="try again")
        for name in files:
            (part / name).replace(out / name)
        if new is not None:
            (part / MODEL).rename(out / MODEL)


@contextmanager
def _apart(out: Path) -> Iterator[Path]:
    part = out / f".part-{secrets.token_hex(8)}"
    part.mkdir()
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)
