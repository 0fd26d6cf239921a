"""Pixels are packed without loss, and small where they are whole numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from clinical.workspace import pixels

FLOATS = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.floats(width=32, allow_nan=True),
)
WHOLE = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.integers(0, 65535).map(float),
)


@settings(max_examples=60, deadline=None)
@given(FLOATS | WHOLE)
def test_packed_pixels_are_the_same_bytes(values: NDArray[np.float32]) -> None:
    encoding, data = pixels.pack(values)
    back = pixels.unpack(encoding, data, values.shape)
    assert back.dtype == np.float32
    assert back.tobytes() == values.tobytes()


def test_sixteen_bit_pixels_are_packed_small() -> None:
    ramp = np.add.outer(np.arange(200), np.arange(300)).astype(np.float32)
    encoding, data = pixels.pack(ramp)
    assert encoding == "uint16-steps"
    assert len(data) < ramp.nbytes / 50
    assert pixels.pack(-ramp)[0] == "float32"
