"""What came since an event, for the reader whom it concerns."""

from __future__ import annotations

from typing import Any

import pytest

from clinical.review import adjudication, arrivals
from clinical.review.arrivals import Arrivals

pytestmark = pytest.mark.both_databases


def test_an_adjudication_is_told_to_those_who_signed(ward: Any) -> None:
    ward.open("dr.ada", "dr.bo", "dr.chief")
    ward.accept("dr.ada")
    ward.reject("dr.bo")
    ward.sign("dr.ada", "dr.bo")
    before = ward.past()[-1].sequence
    adjudication.adjudicate(ward.engine, ward.adjudication({"bacterial_pneumonia"}))
    with ward.engine.connect() as connection:
        for name in ("dr.ada", "dr.bo"):
            assert arrivals.since(connection, before, name) == Arrivals(0, 1)
        assert arrivals.since(connection, before, "dr.new") == Arrivals(0, 0)
        assert arrivals.since(connection, 0, "dr.new") == Arrivals(1, 0)
