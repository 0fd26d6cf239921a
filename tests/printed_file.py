"""A PDF as bytes, and as words, that a test can search."""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib

import pytest

needs_poppler = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="poppler is not on this machine"
)


def text_of(made: bytes) -> str:
    """The words of the file, as poppler reads them."""
    command = ["pdftotext", "-raw", "-", "-"]
    done = subprocess.run(command, input=made, capture_output=True, check=True)
    return done.stdout.decode()


def unpacked(made: bytes) -> bytes:
    """The file with its compressed streams beside it."""
    found = [made]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"\n".join(found)
