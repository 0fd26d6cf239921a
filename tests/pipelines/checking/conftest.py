"""Small folders to check, made from what is said in each test."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from pipelines.checking.check import check
from pipelines.checking.folder_cohort import Options
from pipelines.checking.found import CheckFound

Look = Callable[[Mapping[str, str]], CheckFound]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Write files, name to text, into a folder and check it; gzipped where the name ends in .gz."""

    def write(files: Mapping[str, str]) -> CheckFound:
        for name, text in files.items():
            data = dedent(text).lstrip("\n").encode()
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return check(tmp_path, "", Options())

    return write
