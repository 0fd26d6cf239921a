"""Errors keep their remedy, also across processes."""

from __future__ import annotations

import pickle

from clinical import errors
from clinical.errors import ImageRefused, TriptychError, WaveformError


def test_the_message_ends_with_the_remedy() -> None:
    error = ImageRefused("The image is colour.", remedy="export it as grayscale.")
    assert str(error) == "The image is colour. Remedy: export it as grayscale."


def test_errors_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(ImageRefused("no", remedy="yes")))
    assert isinstance(error, ImageRefused)
    assert (error.message, error.remedy) == ("no", "yes")


def test_a_place_in_a_table_travels_too() -> None:
    error = pickle.loads(pickle.dumps(WaveformError("no", remedy="yes", row=5, column="V1")))
    assert (error.message, error.remedy, error.row, error.column) == ("no", "yes", 5, "V1")


def test_the_drawn_tree_is_the_real_one() -> None:
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, TriptychError)
    }
    assert errors.__doc__ is not None
    assert kinds == {word for word in errors.__doc__.split() if word in kinds}
    assert len(kinds) == 15
