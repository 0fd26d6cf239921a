"""What a folder holds, before any model: a cohort through its reader, or whatever lies there."""

from __future__ import annotations

from pathlib import Path

from clinical.cohorts import dicom, folder, folder_layout
from clinical.cohorts.sources import SOURCES, source
from clinical.errors import CohortError
from pipelines.checking import folder_cohort, named_source, no_cohort
from pipelines.checking.findings import Finding
from pipelines.checking.folder_cohort import Options
from pipelines.checking.found import CheckFound


def check(root: Path, name: str, options: Options) -> CheckFound:
    """Look at a folder.

    Args:
        root: the folder, or one file of no cohort.
        name: source that reads it; "" to find out.
        options: how thoroughly.

    Raises:
        ConfigError: if there is no such source.
        CohortError: if a source is named, and cannot read the folder.
    """
    if name:
        source(name)
        return _cohort(root, name, options)
    layout = layout_of(root)
    try:
        return _cohort(root, layout, options) if layout else no_cohort.check(root, options)
    except CohortError as error:
        told = Finding(
            "decide", layout, f"It is not read as a cohort: {error.message}", error.remedy
        )
        return no_cohort.check(root, options, [told])


def layout_of(root: Path) -> str:
    """Name of the source that reads a folder, or "" where none does."""
    if not root.is_dir():
        return ""
    if folder_layout.find(root, "cases")[0] is not None:
        return folder.NAME
    for name, reader in SOURCES.items():
        # Films alone may be the beginning of any cohort; a disc with its index is a whole.
        if name == folder.NAME or (name == dicom.NAME and not dicom.is_disc(root)):
            continue
        try:
            reader.index(root)
        except CohortError:
            continue
        return name
    return ""


def _cohort(root: Path, name: str, options: Options) -> CheckFound:
    if name == folder.NAME:
        return folder_cohort.check(root, options)
    return named_source.check(name, root, options)
