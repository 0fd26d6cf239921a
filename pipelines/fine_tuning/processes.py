"""Several processes that teach one network together, as PyTorch's torchrun starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from clinical.config import CUDA
from clinical.modalities import devices

PATIENCE = timedelta(days=14)
"""How long others wait while the first one reads a cohort."""

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """Who takes part.

    Attributes:
        rank: number of this one.
        count: of all.
    """

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that reads and writes for all."""
        return self.rank == 0

    def told(self, value: T | None) -> T:
        """What the first one gives, to all; the others give nothing that counts."""
        held = [value]
        if self.count > 1:
            distributed.broadcast_object_list(held)
        if held[0] is None:
            raise ValueError("the first process gave nothing")
        return held[0]

    def summed(self, values: Tensor) -> Tensor:
        """The sum over all; on the processor."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            distributed.barrier()

    def together(self, network: nn.Module) -> nn.Module:
        """The network such that gradients are the mean over all."""
        if self.count == 1 or not any(one.requires_grad for one in network.parameters()):
            return network
        return DistributedDataParallel(network)


def launched() -> int:
    """How many processes torchrun has started; 1 without it."""
    return int(os.environ["WORLD_SIZE"]) if distributed.is_torchelastic_launched() else 1


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """Everyone that torchrun has started, for the length of the block.

    Args:
        device: that a study asks for; each process has a GPU of its own where it is CUDA.

    Raises:
        ConfigError: if this machine has no such device.
    """
    if launched() == 1:
        yield Processes()
        return
    kind = devices.chosen(device).type
    if kind == CUDA:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # What is told and counted stays on the processor; gradients are where the network is.
    backend = "cpu:gloo,cuda:nccl" if kind == CUDA else "gloo"
    distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        yield Processes(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()
