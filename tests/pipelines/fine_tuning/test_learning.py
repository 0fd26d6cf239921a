"""A backbone learns from films: resumable, and the same with two processes as with one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_films import SHORT, channels_last_pupil, task_of, tiny_pupil

from clinical.errors import ConfigError
from clinical.modalities.radiograph.backbones import network_of, recipe_named
from pipelines.fine_tuning.layers import taught
from pipelines.fine_tuning.learning import Pupil, Task, teach
from pipelines.fine_tuning.processes import Processes
from pipelines.jobs import resume

TOLERANCE = 1e-5
"""Between one process and two: the sums of their gradients are taken in another order."""

ONE = Processes()
STARTED_TWICE = [
    sys.executable,
    "-m",
    "torch.distributed.run",
    "--standalone",
    "--nproc-per-node=2",
]
ROOT = Path(__file__).parents[3]


def taught_state(
    task: Task,
    folder: Path,
    stop_after: int | None = None,
    made: Callable[[Task], Pupil] = tiny_pupil,
) -> tuple[dict[str, torch.Tensor], resume.Progress]:
    def report(epoch: int, loss: float, held_out_loss: float) -> None:
        if epoch == stop_after:
            raise KeyboardInterrupt

    pupil = made(task)
    return pupil.state_dict(), teach(pupil, task, ONE, folder, "key", report)


def test_it_learns_to_see_what_the_label_says(tmp_path: Path) -> None:
    task = task_of(tmp_path, config=replace(SHORT, epochs=12, learning_rate=0.02))
    losses = []
    teach(tiny_pupil(task), task, ONE, tmp_path / "kept", "key", lambda *one: losses.append(one))
    assert losses[-1][1] < losses[0][1] - 0.1
    assert min(held for _, _, held in losses) < losses[0][2] - 0.05


def test_only_the_layers_that_were_asked_for_change(tmp_path: Path) -> None:
    task = task_of(tmp_path, which="last")
    pupil = tiny_pupil(task)
    before = resume.snapshot(pupil)
    learning = {id(one) for part in taught(pupil.recipe, pupil.network, "last") for one in part}
    assert teach(pupil, task, ONE, tmp_path / "kept", "key").best_epoch > 1
    changed = {
        name for name, one in pupil.state_dict().items() if not torch.equal(one, before[name])
    }
    expected = {name for name, one in pupil.named_parameters() if id(one) in learning}
    assert changed - {"head.weight", "head.bias"} == expected
    assert not any(one.requires_grad for one in pupil.parameters())


def test_a_backbone_that_gains_nothing_stays_as_it_was(tmp_path: Path) -> None:
    """Rates that spoil everything: the best epoch is the first, in which no layer had learnt."""
    task = task_of(tmp_path, config=replace(SHORT, learning_rate=0.9))
    pupil = tiny_pupil(task)
    before = resume.snapshot(pupil.network)
    assert teach(pupil, task, ONE, tmp_path / "kept", "key").best_epoch == 1
    assert all(torch.equal(one, before[name]) for name, one in pupil.network.state_dict().items())


@pytest.mark.parametrize("made", [tiny_pupil, channels_last_pupil])
def test_a_stopped_training_goes_on_where_it_was(
    made: Callable[[Task], Pupil], tmp_path: Path
) -> None:
    task = task_of(tmp_path)
    whole, _ = taught_state(task, tmp_path / "whole", made=made)
    with pytest.raises(KeyboardInterrupt):
        taught_state(task, tmp_path / "stopped", stop_after=3, made=made)
    assert list((tmp_path / "stopped").glob("0002-*"))
    again, progress = taught_state(task, tmp_path / "stopped", made=made)
    assert progress.epoch == task.config.epochs
    assert all(torch.equal(again[name], one) for name, one in whole.items())


def test_mixed_precision_on_the_processor_only_where_it_is_asked_for(tmp_path: Path) -> None:
    task = task_of(tmp_path)
    plain, _ = taught_state(task, tmp_path / "plain")
    mixed = replace(task, config=replace(SHORT, bfloat16=True))
    rounded, _ = taught_state(mixed, tmp_path / "mixed")
    differences = [(rounded[name] - one).abs().max() for name, one in plain.items()]
    assert 0 < max(differences) < 0.01


def test_batches_too_small_to_share_are_refused(tmp_path: Path) -> None:
    task = task_of(tmp_path)
    with pytest.raises(ConfigError, match="too few for 5 processes"):
        teach(tiny_pupil(task), task, Processes(0, 5), tmp_path, "key")


def test_what_no_feature_depends_on_is_left_alone(tmp_path: Path) -> None:
    """DINOv2 has a token in the place of patches that were masked in its own pretraining."""
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "patch_size": 14}
    recipe = replace(
        recipe_named("dinov2-small"),
        image_size=56,
        features=8,
        arguments={**small, "image_size": 56},
    )
    task = task_of(tmp_path, config=replace(SHORT, epochs=2), side=56)
    pupil = Pupil(recipe, network_of(recipe), task.lessons.labels)
    before = resume.snapshot(pupil.network)
    teach(pupil, task, ONE, tmp_path / "kept", "key")
    unmoved = {n for n, one in pupil.network.state_dict().items() if torch.equal(one, before[n])}
    assert unmoved == {"embeddings.mask_token"}


@pytest.mark.long
def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    """As torchrun starts them, with gloo on the processor."""
    task = task_of(tmp_path / "films")
    alone, progress = taught_state(task, tmp_path / "alone")
    two = tmp_path / "two.py"
    two.write_text(
        f"""
import sys
from pathlib import Path

from safetensors.torch import save_file

sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
from tiny_films import task_of, tiny_pupil

from pipelines.fine_tuning.learning import teach
from pipelines.fine_tuning.processes import joined

folder = Path({str(tmp_path)!r})
task = task_of(folder / "films" / sys.argv[1])
with joined("cpu") as together:
    assert together.count == 2
    pupil = tiny_pupil(task)
    progress = teach(pupil, task, together, folder / "two", "key")
    save_file(
        {{**pupil.state_dict(), "loss": pupil.head.bias.new_tensor(progress.best_loss)}},
        folder / f"{{together.rank}}.safetensors",
    )
"""
    )
    subprocess.run(
        [*STARTED_TWICE, str(two), "own"],
        check=True,
        capture_output=True,
        timeout=600,
    )
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert float(first.pop("loss")) == pytest.approx(progress.best_loss, abs=TOLERANCE)
    for name, one in alone.items():
        torch.testing.assert_close(first[name], one, rtol=0, atol=TOLERANCE)
