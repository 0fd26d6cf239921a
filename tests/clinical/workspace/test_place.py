"""How a workspace is named: a folder, or an address that never contains a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinical.errors import StoreError
from clinical.workspace.place import Server, as_options, from_names, named, place_of

ADDRESS = "postgresql+psycopg://recorder@db.example.org/base?sslmode=verify-full"


def test_a_folder_and_an_address_come_back_from_their_names(tmp_path: Path) -> None:
    for place in (place_of(str(tmp_path)), place_of(ADDRESS, tmp_path)):
        assert from_names(named(place)) == place
    assert place_of(str(tmp_path)) == tmp_path
    assert as_options(Server(ADDRESS, tmp_path)) == [f"--workspace={ADDRESS}", f"--keys={tmp_path}"]


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://owner:hunter2@host/base",
        "postgresql+psycopg://owner@host/base?password=hunter2",
        "postgresql+psycopg://owner@host/base?sslpassword=hunter2",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(tmp_path: Path, address: str) -> None:
    with pytest.raises(StoreError, match="contains a password") as caught:
        place_of(address, tmp_path)
    assert "hunter2" not in f"{caught.value} {caught.value.remedy}"
    assert "PGPASSFILE" in caught.value.remedy


@pytest.mark.parametrize("address", ["mysql://x", "postgresql+psycopg://u@h:port/b", "://"])
def test_another_address_is_none(tmp_path: Path, address: str) -> None:
    with pytest.raises(StoreError, match="not the address of a workspace"):
        place_of(address, tmp_path)


def test_an_address_needs_a_folder_of_keys(tmp_path: Path) -> None:
    for keys in (None, tmp_path / "none"):
        with pytest.raises(StoreError, match="folder for its signing key"):
            place_of(ADDRESS, keys)
