"""The readings that are counted here are of 2031, where no clock of a computer is yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from clinical.audit import verifier


@pytest.fixture(scope="module", autouse=True)
def _later() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verifier, "AHEAD", timedelta(days=36500))
        yield
