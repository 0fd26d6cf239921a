"""`triptych check PATH`: what a folder holds, and what would be misread, before any model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from clinical.errors import ConfigError
from pipelines.commands import output_file
from pipelines.commands.options import Jobs, screen

SOMETHING_TO_DECIDE = 1

Looked = Annotated[
    Path,
    typer.Argument(
        metavar="PATH",
        exists=True,
        help="Folder of a cohort, or of tables, images or FHIR resources that are not one yet.",
    ),
]
Layout = Annotated[
    str,
    typer.Option(
        "--source",
        help="Format of the cohort: folder, hannover, covid_chestxray, nih_chestxray,"
        " appendicitis, eicu, meds, mimic_iii, mimic_iv, omop or fhir. Default: detected.",
    ),
]
Images = Annotated[
    int,
    typer.Option(
        "--images",
        metavar="N",
        min=0,
        help="Read the pixels of N images and the signals of N electrocardiograms, evenly spaced.",
    ),
]
Text = Annotated[
    bool,
    typer.Option("--text", help="Look for text burnt into the pixels that are read (extra: ocr)."),
]
Html = Annotated[Path | None, typer.Option("--html", help="Write the report to this file.")]
Json = Annotated[
    Path | None,
    typer.Option("--json", help="Write everything that was found to this file, as JSON."),
]


def check(
    path: Looked,
    source: Layout = "",
    images: Images = 200,
    jobs: Jobs = 1,
    html: Html = None,
    json_file: Json = None,
    *,
    text: Text = False,
) -> None:
    """Show what a folder holds, and what in it would be misread or left out.

    Exit code 1: something needs your decision.
    """
    from clinical.modalities.radiograph import burnt_text
    from pipelines.checking import document
    from pipelines.checking.check import check as look
    from pipelines.checking.folder_cohort import Options
    from pipelines.checking.found import to_json
    from pipelines.jobs import progress
    from pipelines.reports import terminal
    from pipelines.reports.html import page

    for file in (html, json_file):
        if file is not None and not file.absolute().parent.is_dir():
            raise ConfigError(
                "The folder of the file to write does not exist.", remedy="make it first"
            )
    if text:
        burnt_text.demand()
    with progress.bar() as display:
        options = Options(images, text=text, jobs=jobs, progress=progress.steps(display))
        found = look(path, source, options)
    terminal.show(screen, document.short(found))
    if html is not None:
        output_file.write(html, page(document.document(found)))
    if json_file is not None:
        content = json.dumps(to_json(found), indent=2, ensure_ascii=False)
        output_file.write(json_file, content + "\n")
    if found.to_decide:
        raise typer.Exit(SOMETHING_TO_DECIDE)
