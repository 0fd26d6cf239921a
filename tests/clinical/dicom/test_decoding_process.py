"""The worker may crash, hang or be killed; that costs one error, and the next image is read."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waiting import until_ended

from clinical.dicom import reader
from clinical.dicom.limits import Limits
from clinical.dicom.read import read_image
from clinical.errors import ImageUnreadable

WriteDicom = Callable[..., Path]


def worker() -> int:
    pid = reader.worker_pid()
    assert pid is not None
    return pid


def test_one_worker_is_kept_for_many_images(write_dicom: WriteDicom) -> None:
    path = write_dicom()
    read_image(path)
    first = worker()
    read_image(path)
    assert worker() == first


def test_a_hanging_worker_is_replaced(write_dicom: WriteDicom) -> None:
    path = write_dicom()
    read_image(path)
    hanging = worker()
    os.kill(hanging, signal.SIGSTOP)
    with pytest.raises(ImageUnreadable, match=r"no answer within 0\.3 s"):
        read_image(path, limits=Limits(wall_seconds=0.3))
    assert read_image(path).values.size == 12
    assert worker() != hanging


def test_a_worker_killed_while_it_reads(
    write_dicom: WriteDicom, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_dicom()
    read_image(path)
    victim = worker()
    # Stopped first, so that it cannot have answered when the kill arrives.
    os.kill(victim, signal.SIGSTOP)
    receive = reader.Worker.receive

    def killed(asked: reader.Worker, *others: Any) -> Any:
        os.kill(victim, signal.SIGKILL)
        return receive(asked, *others)

    with monkeypatch.context() as under_way:
        under_way.setattr(reader.Worker, "receive", killed)
        with pytest.raises(ImageUnreadable, match=r"broke down on this image \(signal 9\)"):
            read_image(path)
    assert read_image(path).values.size == 12


def test_a_worker_killed_while_idle_costs_nothing(write_dicom: WriteDicom) -> None:
    path = write_dicom()
    read_image(path)
    victim = worker()
    os.kill(victim, signal.SIGKILL)
    until_ended(victim)
    assert read_image(path).values.size == 12


def test_a_decoder_that_takes_too_long(write_dicom: WriteDicom) -> None:
    path = write_dicom(np.zeros((3000, 3000), "<u2"))
    with pytest.raises(ImageUnreadable, match=r"took more than 0\.001 s"):
        read_image(path, limits=Limits(seconds=0.001))
    assert read_image(path).values.shape == (3000, 3000)


def test_a_decoder_that_has_to_wait_is_not_late(
    write_dicom: WriteDicom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy computer time passes in which the decoder does not run."""
    path = write_dicom()
    read_image(path)
    waiting = worker()
    os.kill(waiting, signal.SIGSTOP)
    receive = reader.Worker.receive
    allowed = []

    def resumed(asked: reader.Worker, deadline: float, most: int) -> Any:
        allowed.append(deadline - time.monotonic())
        os.kill(waiting, signal.SIGCONT)
        return receive(asked, deadline, most)

    monkeypatch.setattr(reader.Worker, "receive", resumed)
    assert read_image(path, limits=Limits(seconds=1)).values.size == 12
    assert worker() == waiting
    assert allowed[0] > 100


def test_threads_take_turns(write_dicom: WriteDicom) -> None:
    path = write_dicom(np.arange(40_000, dtype="<u2").reshape(200, 200))
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(lambda _: read_image(path).digest, range(40)))
    assert len(digests) == 1


def test_a_daemonic_forked_child_starts_its_own(write_dicom: WriteDicom) -> None:
    path = write_dicom()
    read_image(path)
    ours = worker()
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    def child() -> None:
        answers.put((reader.worker_pid(), read_image(path).digest, reader.worker_pid()))

    process = context.Process(target=child, daemon=True)
    process.start()
    before, digest, after = answers.get()
    process.join()
    assert before is None
    assert after not in (None, ours)
    assert digest == read_image(path).digest
    assert worker() == ours
    until_ended(after)


def test_the_worker_ends_with_its_parent(write_dicom: WriteDicom, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from clinical.dicom import reader\n"
        "from clinical.dicom.read import read_image\n"
        f"read_image(Path({str(write_dicom())!r}))\n"
        "print(reader.worker_pid(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=root)
    until_ended(int(done.stdout))


def test_the_worker_loads_neither_torch_nor_pandas() -> None:
    program = (
        "import sys, clinical.dicom.worker; print(sorted({'torch', 'pandas', 'scipy'} "
        "& set(sys.modules)))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "[]"


def test_close_and_start_again(write_dicom: WriteDicom) -> None:
    read_image(write_dicom())
    reader.close()
    assert reader.worker_pid() is None
    assert read_image(write_dicom()).values.size == 12
