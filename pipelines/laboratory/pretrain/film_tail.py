"""`triptych pretrain`: draw films, fit the film tail, and write it with its card."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import fmean

import torch
from safetensors.torch import save_file

from clinical import canonical
from clinical.modalities.radiograph.film_network import FILM_WEIGHTS
from clinical.wording import RESEARCH_USE
from pipelines.jobs import resume
from pipelines.jobs.progress import bar, console
from pipelines.laboratory.pretrain import films
from pipelines.laboratory.pretrain.fit import EPOCHS, Teacher, fit, judge, read
from pipelines.laboratory.simulate import likelihoods

HELD_OUT = 0.1
"""Share of films that are not used for training, for the figures on the card."""

SEED = 20260
_THREADS = 2


def pretrain(out: Path, number: int, seed: int = SEED, *, epochs: int = EPOCHS, jobs: int) -> None:
    """Write the weights of the film tail and their card into `out`.

    Args:
        out: folder; a killed run resumes from what it holds.
        number: of films, some of them held out for the card.
        seed: of the clinic of films and of the fit.
        epochs: how often every film is looked at.
        jobs: processes that draw films.
    """
    files = list(films.kept(out / "films", number, seed, jobs))
    held_out = math.ceil(HELD_OUT * number)
    torch.set_num_threads(_THREADS)
    key = canonical.digest([number, seed, epochs, likelihoods.load().digest])
    with bar() as progress:
        task = progress.add_task("pretrain", total=None, note="")

        def report(step: int, steps: int, loss: float) -> None:
            progress.update(task, completed=step, total=steps, note=f"loss {loss:.4f}")

        lessons = read(files[:-held_out])
        teacher = fit(lessons, seed, out / "unfinished", key, report, epochs)
    save(teacher, out / FILM_WEIGHTS.name)
    judged = judge(teacher, read(files[-held_out:]))
    text = card(judged, number - held_out, held_out, seed, epochs)
    (out / f"{FILM_WEIGHTS.stem}.md").write_text(text, encoding="utf-8")
    resume.discard(out / "unfinished")
    known = [area for area in judged.values() if not math.isnan(area)]
    mean = f", mean AUROC of {len(known)} findings {fmean(known):.3f}" if known else ""
    console.print(f"film tail in {out}, tested on {held_out} films{mean}")


def save(teacher: Teacher, file: Path) -> None:
    """The tail's weights in half precision: what the teacher taught it by is not kept."""
    state = teacher.tail.state_dict()
    save_file({name: value.half().contiguous() for name, value in state.items()}, file)


def card(judged: dict[str, float], learnt: int, held_out: int, seed: int, epochs: int) -> str:
    """What the weights are and how well they name findings, in Markdown."""
    rows = [
        f"| {name} | {'-' if math.isnan(area) else f'{area:.3f}'} |"
        for name, area in judged.items()
    ]
    return "\n".join(
        [
            "# Film tail: layers pretrained on simulated chest films",
            "",
            f"**{RESEARCH_USE}** From stride 8 on, EfficientNet-lite0 (ImageNet weights, Apache"
            " 2.0) with a feature pyramid, fitted to outline and name findings.",
            "",
            f"{learnt:,} simulated films (seed {seed}) of a clinic of their own, {epochs} epochs;"
            " no film, patient or scanner of a cohort is among them. It has seen no real film.",
            "",
            f"AUROC of naming each finding on {held_out} other films of that clinic, with the head"
            " that is not kept:",
            "",
            "| finding | AUROC |",
            "| --- | --- |",
            *rows,
            "",
        ]
    )
