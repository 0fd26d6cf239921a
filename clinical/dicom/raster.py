"""PNG and JPEG radiographs.

Intensity convention: a stated MONOCHROME1 is inverted about the full range; MONOCHROME2 is taken
where nothing is stated. 16-bit grayscale stays 16-bit; 16 bits per colour channel are read as 8.
EXIF orientation is applied. There is no spacing: the pHYs and JFIF densities are print sizes.
"""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from clinical.dicom import jpeg_file
from clinical.dicom.limits import Limits
from clinical.dicom.picture import PARSER_ERRORS, Picture, Request, check_size
from clinical.errors import ImageRefused, ImageUnreadable

SPREAD = 16
"""Difference between colour channels (of 255) up to which a pixel counts as gray; JPEG chroma
noise stays below it."""

BLEMISHED = 0.05
"""Share of coloured (or of transparent) pixels up to which an image is a grayscale radiograph with
marks on it (or with cut edges)."""

BYTE = 255.0

_ORIENTATION = 0x0112

_PNG = b"\x89PNG\r\n\x1a\n"

_GRAY = "Give a grayscale radiograph."


def read(data: bytes, request: Request) -> Picture:
    """Canonical pixels of the PNG or JPEG file `data`.

    Raises:
        ImageRefused: if it has real colour, is bilevel, animated or partly transparent.
        ImageUnreadable: if it is broken or over a limit.
    """
    # The check of the header's claim below stands in for Pillow's own, which only warns.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(BytesIO(data), formats=["PNG", "JPEG"]) as image:
            check_size(image.height, image.width, request.limits)
            _check_whole(data, image)
            return _picture(image, request)
    except MemoryError:
        raise ImageUnreadable(
            "Decoding the image takes more memory than the limit.",
            remedy="Give an image of ordinary size, or raise Limits.memory_bytes.",
        ) from None
    except PARSER_ERRORS as error:
        raise ImageUnreadable(
            f"The PNG or JPEG image is broken or cut short ({type(error).__name__}).",
            remedy="Fetch the file again from its source.",
        ) from None


def facts(data: bytes, limits: Limits) -> list[tuple[str, str]]:
    """What the header of a PNG or JPEG file says that decides how it is read.

    Raises:
        ImageUnreadable, ImageRefused: if it is broken or over a limit.
    """
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(BytesIO(data), formats=["PNG", "JPEG"]) as image:
            check_size(image.height, image.width, limits)
            turned = image.getexif().get(_ORIENTATION)
            told = [("Format", str(image.format)), ("Mode", image.mode)]
            told += [("Rows", str(image.height)), ("Columns", str(image.width))]
            return [*told, ("EXIF orientation", str(turned))] if turned else told
    except PARSER_ERRORS as error:
        raise ImageUnreadable(
            f"The PNG or JPEG image is broken or cut short ({type(error).__name__}).",
            remedy="Fetch the file again from its source.",
        ) from None


def _check_whole(data: bytes, image: Image.Image) -> None:
    """Pillow fills in what is missing of a JPEG, and does not compare the checksums of a PNG."""
    if image.format == "PNG":
        _check_chunks(data)
    elif image.mode in ("L", "RGB"):
        jpeg_file.check_whole(data)


def _check_chunks(data: bytes) -> None:
    """Every chunk up to the end of the image has its checksum (PNG, section 5.3).

    Raises:
        ValueError, EOFError: if not.
    """
    position, kind = len(_PNG), b""
    while kind != b"IEND":
        length, kind = (
            int.from_bytes(data[position : position + 4]),
            data[position + 4 : position + 8],
        )
        body = memoryview(data)[position + 4 : position + 8 + length]
        position += 12 + length
        if position > len(data):
            raise EOFError("no end of image")
        if zlib.crc32(body) != int.from_bytes(data[position - 4 : position]):
            raise ValueError("a checksum is wrong")


def _picture(image: Image.Image, request: Request) -> Picture:
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    if kind == "PNG" and getattr(image, "n_frames", 1) > 1:
        raise ImageRefused("The file is an animation, not one image.", remedy=_GRAY)
    image.load()
    oriented = ImageOps.exif_transpose(image)
    pixels, coloured = _gray(oriented)
    top = 65535.0 if pixels.dtype.itemsize > 1 else BYTE
    values = pixels.astype(np.float32)
    photometric = request.photometric or "MONOCHROME2"
    if photometric == "MONOCHROME1":
        np.subtract(np.float32(top), values, out=values)
    source = {"format": kind, "PhotometricInterpretation": photometric}
    if coloured:
        source["coloured_pixels"] = f"{coloured:.2%}"
    return Picture(values, None, _window(values, top), source)


def _window(values: NDArray[np.float32], top: float) -> tuple[float, float]:
    """The full range, or that of the pixels where the upper bits of 16 are not used at all."""
    low, high = float(values.min()), float(values.max())
    if top > BYTE and high - low < top / 2:
        return (low + high) / 2, max(high - low, 1.0)
    return top / 2, top


def _gray(image: Image.Image) -> tuple[NDArray[Any], float]:
    """Gray levels (uint8 or uint16) and the share of pixels that had some colour."""
    if image.mode == "1":
        raise ImageRefused("The image is black and white without gray.", remedy=_GRAY)
    if image.mode.startswith("I"):
        return np.asarray(image).astype(np.uint16), 0.0
    if image.mode == "L":
        return np.asarray(image), 0.0
    if image.mode not in ("LA", "P", "PA", "RGB", "RGBA"):
        raise ImageRefused(f"The image has colour: {image.mode}.", remedy=_GRAY)
    if image.mode in ("LA", "PA", "RGBA") and _transparency(image) > BLEMISHED:
        raise ImageRefused("Part of the image is transparent.", remedy=_GRAY)
    colour = image.convert("RGB")
    channels = np.asarray(colour)
    spread = channels.max(axis=2) - channels.min(axis=2)
    share = float(np.mean(spread > SPREAD))
    if share > BLEMISHED:
        raise ImageRefused(f"The image has colour in {share:.0%} of its pixels.", remedy=_GRAY)
    # Luma (ITU-R BT.601) is the gray level itself wherever the channels agree.
    return np.asarray(colour.convert("L")), share


def _transparency(image: Image.Image) -> float:
    alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    return float(np.mean(alpha != 255))
