"""A task that eats memory ends itself, rather than what else runs on the machine."""

from __future__ import annotations

import os
import resource
from pathlib import Path

_CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")
_OWN = Path("/proc/self")


def memory_here() -> int:
    """Bytes of memory that this machine, or the container that this process is in, has."""
    physical = resource.getpagesize() * os.sysconf("SC_PHYS_PAGES")
    try:
        stated = _CONTROL_GROUP.read_text(encoding="ascii").strip()
    except OSError:
        return physical
    return min(physical, int(stated)) if stated.isdecimal() else physical


def bound_memory() -> None:
    """Let this worker process add at most what the machine has to what it started with.

    Beyond that it gets a MemoryError. If several workers exhaust the machine together, the kernel
    is to end one of them, and not who started them. Where /proc is not there, nothing is bounded.
    """
    try:
        pages = (_OWN / "statm").read_text(encoding="ascii").split()[0]
        (_OWN / "oom_score_adj").write_text("1000", encoding="ascii")
    except OSError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = int(pages) * resource.getpagesize() + memory_here()
    if hard == resource.RLIM_INFINITY or wanted < hard:
        # A soft limit: the process that decodes images has limits of its own.
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
