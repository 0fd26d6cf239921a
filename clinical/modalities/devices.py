"""Where networks run: on the processor, which is the reference, or on a GPU that a study asks for.

Assessment is always on the processor: the same case then has the same bits everywhere. A training
may use a GPU; what is fitted there is calibrated and judged on the processor.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

import torch

from clinical.config import AUTO, CPU, CUDA, MPS
from clinical.errors import ConfigError

_current: ContextVar[str] = ContextVar("device", default=CPU)


def chosen(name: str) -> torch.device:
    """The device that a study asks for.

    Args:
        name: one of `clinical.config.DEVICES`; "auto" is the first of CUDA, MPS and CPU that is
            there.

    Raises:
        ConfigError: if this machine has none.
    """
    there = {CUDA: torch.cuda.is_available(), MPS: torch.backends.mps.is_available(), CPU: True}
    if name == AUTO:
        return torch.device(next(kind for kind, found in there.items() if found))
    if not there[name]:
        raise ConfigError(
            f"training.device is {name!r}, and PyTorch finds none on this machine.",
            remedy='write device = "auto", or install the PyTorch of your GPU',
        )
    return torch.device(name)


def current() -> torch.device:
    """Where frozen networks run now."""
    return torch.device(_current.get())


@contextmanager
def using(device: torch.device) -> Iterator[None]:
    """Run frozen networks there inside the block."""
    before = _current.set(device.type)
    try:
        yield
    finally:
        _current.reset(before)


def mixed(
    device: torch.device, *, learning: bool, asked: bool = False
) -> AbstractContextManager[object]:
    """Mixed precision on a GPU; on the processor everything stays as it is, unless asked for.

    Args:
        device: where the block runs.
        learning: gradients need the range of bfloat16, frozen features the digits of float16.
        asked: whether it is wanted on the processor, too.
    """
    if device.type == CPU and not asked:
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16 if learning else torch.float16)
