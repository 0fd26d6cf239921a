"""Pixels in a workspace, each array once, identified by its digest and packed without loss.

Every function works inside the caller's transaction, as those of the store do.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, insert, select

from clinical.case.shapes import Array, pixel_digest
from clinical.errors import StoreError
from clinical.workspace.layout import PIXELS

_AGAIN = "assess the case again, or restore the workspace from a backup."
_LEVEL = 1  # zlib; on differences of neighbours a higher level costs time and saves little


def holds(connection: Connection, digest: str) -> bool:
    """Whether the pixels with this digest are there and as they were stored."""
    try:
        get(connection, digest)
    except StoreError:
        return False
    return True


def put(connection: Connection, image: Array) -> None:
    """Store the pixels of an image, once however many cases have them."""
    stored = select(func.count()).where(PIXELS.c.digest == image.digest)
    if connection.execute(stored).scalar_one():
        return
    encoding, data = pack(image.values)
    size = ",".join(str(length) for length in image.values.shape)
    connection.execute(
        insert(PIXELS).values(digest=image.digest, encoding=encoding, size=size, data=data)
    )


def get(connection: Connection, digest: str) -> NDArray[np.float32]:
    """The pixels with this digest.

    Raises:
        StoreError: if they are missing, or were changed since they were stored.
    """
    row = connection.execute(select(PIXELS).where(PIXELS.c.digest == digest)).one_or_none()
    if row is None:
        raise StoreError(f"The workspace holds no pixels {digest}.", remedy=_AGAIN)
    try:
        values = unpack(row.encoding, row.data, tuple(int(n) for n in row.size.split(",")))
    except (ValueError, zlib.error):
        values = np.zeros((0, 0), np.float32)
    if pixel_digest(values) != digest:
        raise StoreError(f"Pixels {digest} were changed.", remedy=_AGAIN)
    return values


def pack(values: NDArray[np.float32]) -> tuple[str, bytes]:
    """Pack without loss, as 16-bit differences along the last axis where that gives it all back."""
    exact = values.astype("<f4", copy=False)
    with np.errstate(invalid="ignore"):
        whole = exact.astype("<u2")
    if whole.astype("<f4").tobytes() != exact.tobytes():  # bytes, so that -0.0 and NaN count
        return "float32", zlib.compress(exact.tobytes(), _LEVEL)
    steps = np.diff(whole, axis=-1, prepend=np.zeros_like(whole[..., :1]))  # wraps, modulo 65536
    return "uint16-steps", zlib.compress(steps.astype("<u2").tobytes(), _LEVEL)


def unpack(encoding: str, data: bytes, size: tuple[int, ...]) -> NDArray[np.float32]:
    """What `pack` packed; `size` as it was."""
    kind = {"float32": "<f4", "uint16-steps": "<u2"}[encoding]
    length = int(np.prod(size)) * np.dtype(kind).itemsize
    unpacker = zlib.decompressobj()
    flat = np.frombuffer(unpacker.decompress(data, length), kind)  # never more than the image needs
    values = flat.reshape(size)
    if encoding == "float32":
        return values.astype(np.float32)
    return np.cumsum(values, axis=-1, dtype=np.uint16).astype(np.float32)
