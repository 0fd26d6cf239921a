"""The cohort formats that can be read, by name. A new one is one module and one line here."""

from __future__ import annotations

import difflib

from clinical.cohorts import appendicitis, covid_chestxray, folder, hannover, nih_chestxray
from clinical.cohorts.cohort import Source
from clinical.errors import ConfigError

SOURCES: dict[str, Source] = {
    module.NAME: module
    for module in (folder, hannover, covid_chestxray, nih_chestxray, appendicitis)
}


def source(name: str) -> Source:
    """The reader called `name`.

    Raises:
        ConfigError: if there is none; names the nearest known one.
    """
    if name in SOURCES:
        return SOURCES[name]
    near = difflib.get_close_matches(name, SOURCES, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]!r}?" if near else f"known sources: {', '.join(SOURCES)}"
    raise ConfigError(f"There is no cohort source {name!r}.", remedy=remedy)
