"""`make bench`, part 1: our code against a plain alternative in the same run, as ratios.

Numbers depend on the machine and on what else it does; ratios less so. Nothing here is a test.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pydicom
import torch
from monai.networks.nets import DenseNet121
from rich.console import Console
from rich.table import Table

from clinical.assess.assess import load_assessor
from clinical.audit import ledger
from clinical.case.case import Case
from clinical.case.shapes import Arrays
from clinical.cohorts import folder
from clinical.dicom.read import read_image
from clinical.modalities.radiograph import encoder
from clinical.workspace.database import open_workspace, writing
from pipelines.commands.demo import SAMPLE_DATA


def median_ms(work: Callable[[], object], repeats: int = 15) -> float:
    """Median wall time of `work` in milliseconds, after two runs to warm up."""
    times = []
    for number in range(repeats + 2):
        started = time.perf_counter()
        work()
        if number >= 2:
            times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def main() -> int:
    """Run every comparison and print one table."""
    file = min((SAMPLE_DATA / "images").glob("*.dcm"))
    cases = [r for r in folder.read(SAMPLE_DATA) if isinstance(r, Case)][:8]
    image = next(c.inputs["image"].arrays[0] for c in cases if "image" in c.inputs)
    table = Table(title="median wall time, one thread", title_justify="left")
    for heading in ("what", "ours (ms)", "peer", "peer (ms)", "ours / peer"):
        table.add_column(heading, justify="left" if heading in ("what", "peer") else "right")

    def compare(what: str, ours: float, peer: str, theirs: float) -> None:
        table.add_row(what, f"{ours:.2f}", peer, f"{theirs:.2f}", f"{ours / theirs:.2f}")

    torch.set_num_threads(1)
    compare(
        "read a DICOM radiograph (limited worker, canonical array)",
        median_ms(lambda: read_image(file)),
        "pydicom pixel_array (raw values, no limits)",
        median_ms(lambda: pydicom.dcmread(file).pixel_array),
    )
    settings = encoder.Settings()
    peer = DenseNet121(spatial_dims=2, in_channels=3, out_channels=8).eval()
    square = encoder.network_input(image.values, settings.image_size)[None]
    with torch.inference_mode():
        compare(
            "radiograph to patch features, 384 px",
            median_ms(lambda: encoder.prepare(Arrays((image,)), settings)),
            "MONAI DenseNet121, forward only, 384 px",
            median_ms(lambda: peer(square), repeats=5),
        )
    assessor = load_assessor()
    whole = median_ms(lambda: [assessor.assess(case) for case in cases], repeats=3) / len(cases)
    prepare_only = median_ms(lambda: encoder.prepare(Arrays((image,)), settings))
    compare("assess one whole case", whole, "its image features alone", prepare_only)
    with tempfile.TemporaryDirectory() as scratch:
        compare("append one event, durably", *_append(Path(scratch)))
    Console().print(table)
    return 0


def _append(scratch: Path) -> tuple[float, str, float]:
    engine = open_workspace(scratch / "workspace", create=True)

    def ours() -> None:
        with writing(engine) as connection:
            ledger.append(connection, "OPENED", actor="bench", case_id="c", payload={})

    log = scratch / "events.log"

    def plain_file() -> None:
        with log.open("a") as lines:
            lines.write("OPENED bench c\n")
            lines.flush()
            os.fsync(lines.fileno())

    result = median_ms(ours, 50), "a line in a file, with fsync", median_ms(plain_file, 50)
    engine.dispose()
    return result


if __name__ == "__main__":
    sys.exit(main())
