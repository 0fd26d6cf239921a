"""State of an unfinished training, so that a killed one resumes at its last whole epoch.

Every epoch draws its random numbers from the seed and its own number, so a resumed training is the
one that was interrupted, to the last bit. Tensors are kept as safetensors, numbers as JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from clinical.model.model import Network
from clinical.workspace import own_file

_TENSORS, _JSON = "unfinished.safetensors", "unfinished.json"


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a training stands.

    Attributes:
        epoch: whole epochs done.
        best_epoch, best_loss: the epoch with the lowest validation loss.
        best: the network's state then.
        alone: modality to its lowest validation loss while each was trained by itself.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = math.inf
    best: dict[str, Tensor] = field(default_factory=dict)
    alone: Mapping[str, float] = field(default_factory=dict)

    def advanced(self, network: nn.Module, loss: float) -> Progress:
        """One epoch on, with this validation loss."""
        epoch = self.epoch + 1
        if loss < self.best_loss:
            return Progress(epoch, epoch, loss, snapshot(network), self.alone)
        return Progress(epoch, self.best_epoch, self.best_loss, self.best, self.alone)

    def advanced_alone(self, network: Network, losses: Mapping[str, float]) -> Progress:
        """One epoch on in which modalities were trained alone: each keeps its own best."""
        better = {n: loss for n, loss in losses.items() if loss < self.alone.get(n, math.inf)}
        now = snapshot(network)
        best = {
            key: now[key] if any(key.startswith(network.parts(n)) for n in better) else kept
            for key, kept in self.best.items()
        }
        return Progress(self.epoch + 1, best=best, alone={**self.alone, **better})


def snapshot(network: nn.Module) -> dict[str, Tensor]:
    """A copy of the network's state."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def keep(
    folder: Path,
    key: str,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Write the state after an epoch; the JSON last, by rename, so a torn write is not seen."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"now.{k}": v.contiguous() for k, v in snapshot(network).items()}
    tensors |= {f"best.{k}": v.contiguous() for k, v in progress.best.items()}
    for number, state in optimiser.state_dict()["state"].items():
        moments = {k: torch.as_tensor(v).contiguous() for k, v in state.items()}
        tensors |= {f"optimiser.{number}.{k}": v for k, v in moments.items()}
    name = f"{progress.epoch:04d}-{_TENSORS}"
    save_file(tensors, folder / name)
    record = {
        "key": key,
        "tensors": name,
        "epoch": progress.epoch,
        "best_epoch": progress.best_epoch,
        "best_loss": None if math.isinf(progress.best_loss) else progress.best_loss,
        "alone": dict(progress.alone),
    }
    own_file.write(folder / _JSON, json.dumps(record))
    for old in folder.glob(f"*-{_TENSORS}"):
        if old.name != name:
            old.unlink()


def resume(
    folder: Path, key: str, network: nn.Module, optimiser: torch.optim.Optimizer
) -> Progress | None:
    """Restore the state of an unfinished training if its `key` (study and data) is the same."""
    if not (folder / _JSON).exists():
        return None
    record = json.loads((folder / _JSON).read_text(encoding="utf-8"))
    if record.get("key") != key:
        return None
    tensors = load_file(folder / record["tensors"])
    network.load_state_dict(_part(tensors, "now."))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, "optimiser.").items():
        number, key = name.split(".", 1)
        moments.setdefault(int(number), {})[key] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
    loss = math.inf if record["best_loss"] is None else record["best_loss"]
    best = _part(tensors, "best.")
    return Progress(record["epoch"], record["best_epoch"], loss, best, record["alone"])


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def discard(folder: Path) -> None:
    """Remove the state of a training that has finished."""
    for file in [*folder.glob(f"*-{_TENSORS}"), *folder.glob(f"{_JSON}*")]:
        file.unlink()
