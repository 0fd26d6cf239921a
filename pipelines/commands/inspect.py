"""`triptych inspect FILE`: how one image file is understood, or why it is refused."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from rich.console import Console

from clinical.case.case import Problem
from clinical.case.shapes import Array
from clinical.case.window import Window
from clinical.dicom.inspect import Understood
from clinical.dicom.inspect import inspect as inspect_file
from clinical.dicom.picture import Photometric
from clinical.errors import ConfigError
from clinical.modalities.radiograph import burnt_text, doubts, picture, unstated
from clinical.modalities.radiograph.rows import PHOTOMETRIC
from clinical.modalities.radiograph.views import view_of
from clinical.tables.clock import Clock
from pipelines.commands.options import screen

File = Annotated[Path, typer.Argument(metavar="FILE", help="DICOM, PNG or JPEG.")]
Npy = Annotated[
    Path | None, typer.Option("--npy", help="Write the canonical pixels, float32, to this file.")
]
Png = Annotated[
    Path | None, typer.Option("--png", help="Write the image as the page first shows it.")
]
Text = Annotated[
    bool,
    typer.Option("--text", help="Look for text burnt into the pixels (needs triptych with ocr)."),
]
Stated = Annotated[
    str, typer.Option("--photometric", help="MONOCHROME1 or MONOCHROME2, if FILE does not say.")
]


def inspect(
    file: File, npy: Npy = None, png: Png = None, photometric: Stated = "", *, text: Text = False
) -> None:
    """Show how an image file is understood, or why it is refused."""
    understood = inspect_file(file, _photometric(photometric))
    show(screen, understood)
    if understood.refusal is not None:
        raise understood.refusal
    if understood.image is not None:
        if text:
            _show_text(screen, understood.image)
        _write(understood.image, npy, png)


def _photometric(text: str) -> Photometric | None:
    if text.upper() not in PHOTOMETRIC:
        raise ConfigError(
            f"--photometric is {text}.", remedy="write MONOCHROME1 or MONOCHROME2, or leave it out"
        )
    return PHOTOMETRIC[text.upper()]


def show(console: Console, understood: Understood) -> None:
    """Print what the file says, and what was made of it."""
    _block(console, "The file says", understood.attributes)
    if understood.image is not None:
        _block(console, "Understood as", tuple(_made(understood.image)))
        for reason in doubts_of(understood.image):
            console.print(f"  ! {reason}")


def _show_text(console: Console, image: Array) -> None:
    """Say how much text is burnt in, and never what it says."""
    found = burnt_text.find(image)
    words = f"{found.boxes} pieces on {found.share:.1%} of the area"
    _block(console, "Text in the pixels", (("found", words), ("unmarked", str(found.unmarked))))
    if found.unmarked:
        console.print(f"  ! {burnt_text.DOUBT}")


def doubts_of(image: Array) -> list[str]:
    """What a cohort would report of the image, but for its time."""
    nowhere, no_decision = Problem("", ""), Clock(UTC, None)
    return [problem.reason for problem in doubts.of(image, "", nowhere, no_decision, None)]


def _made(image: Array) -> list[tuple[str, str]]:
    rows, columns = image.values.shape
    word = image.source.get("ViewPosition", "")
    view = f"{word} ({view_of(word) or 'not known'})" if word else "not stated"
    centre, width = image.window or (0.0, 0.0)
    spacing = "not stated"
    if image.spacing:
        spacing = f"{image.spacing[0]:g} mm by row, {image.spacing[1]:g} mm by column"
        spacing += f" ({unstated.AT_DETECTOR})" if unstated.is_at_detector(image) else ""
    made = [
        ("pixels", f"{rows} rows, {columns} columns, larger is brighter is denser"),
        ("values", f"{image.values.min():g} to {image.values.max():g}"),
        ("opens with", f"centre {centre:g}, width {width:g}"),
        *(("window", _window(window)) for window in image.windows),
        ("spacing", spacing),
        ("view", view),
        ("orientation", _orientation(image, word)),
        ("digest", image.digest),
    ]
    left_out = {"warnings", "ViewPosition", "orientation", "turned"}
    return made + [item for item in image.source.items() if item[0] not in left_out]


def _orientation(image: Array, word: str) -> str:
    if unstated.has_unknown_sides(image):
        return "unknown; taken as films are hung, the patient's right at the left"
    if view_of(word) == "frontal":
        return image.source.get("turned", "as films are hung, the patient's right at the left")
    return "as stored"


def _window(window: Window) -> str:
    text = f"{window.function}, centre {window.centre:g}, width {window.width:g}"
    return f"{text}, {window.explanation}" if window.explanation else text


def _block(console: Console, title: str, lines: tuple[tuple[str, str], ...]) -> None:
    if not lines:
        return
    console.print(title)
    longest = max(len(name) for name, _ in lines)
    for name, value in lines:
        console.print(f"  {name:<{longest}}  {value}")


def _write(image: Array, npy: Path | None, png: Path | None) -> None:
    for path in (npy, png):
        if path is not None and not path.absolute().parent.is_dir():
            raise ConfigError(
                "The folder of the file to write does not exist.", remedy="make it first"
            )
    if npy is not None:
        with npy.open("wb") as stream:
            np.save(stream, image.values)
    if png is not None:
        shown = picture.grey(image.values, *picture.window_of(image))
        Image.fromarray(shown).save(png, format="PNG")
