"""The table [cds_hooks]: what cannot be used is said at the start, by its key."""

from __future__ import annotations

from pathlib import Path

import pytest
from cds_client import Ehr

from clinical.errors import ConfigError
from clinical.exchange import cds_settings, receiving
from clinical.exchange.cds_settings import CHEST_IMAGING

CLIENT = '{name = "ehr", issuer = "https://ehr.example.org/", keys = "keys.json"}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("settings")
    Ehr("").write_keys(made / "keys.json")
    return made


def written(folder: Path, table: str, more: str = "") -> Path:
    path = folder / "receive.toml"
    path.write_text(f"{more}\n[cds_hooks]\n{table}\n", encoding="utf-8")
    return path


def test_it_stands_in_the_file_of_the_receiver(folder: Path) -> None:
    more = 'inbox = "inbox"\n[dicom]\nsenders = []\n[assembly]\nauthority = "HOSP"'
    path = written(folder, f"clients = [{CLIENT}]", more)
    found = cds_settings.read(path)
    assert found.rules.authority == "HOSP"
    assert found.inbox == folder / "inbox"
    assert found.settings.clients[0].keys == str(folder / "keys.json")
    assert (found.settings.days, found.settings.order_codes) == (30, CHEST_IMAGING)
    assert receiving.read(path).dicom is not None


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("clients = []", "names no client"),
        ("", "'clients' is missing"),
        (f"clients = [{CLIENT}]\ndasy = 3", "unknown key 'dasy'"),
        (f"clients = [{CLIENT}]\ndays = -1", "days is -1"),
        (f"clients = [{CLIENT}]\nat_once = 0", "at_once is 0"),
        (f"clients = [{CLIENT}]\nper_minute = 0", "per_minute is 0"),
        (f"clients = [{CLIENT}, {CLIENT}]", "two clients have one name"),
        (f"clients = [{CLIENT.replace('ehr', 'A B', 1)}]", "no name of a client"),
        (f'clients = [{CLIENT}]\norigins = ["*"]', "is no origin"),
        (f'clients = [{CLIENT}]\norigins = ["https://a.example/x"]', "is no origin"),
        (f"clients = [{CLIENT.replace('keys.json', 'none.json')}]", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_named(folder: Path, table: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        cds_settings.read(written(folder, table))


def test_a_file_without_the_table_says_what_to_add(tmp_path: Path) -> None:
    path = tmp_path / "receive.toml"
    path.write_text('inbox = "inbox"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="has no table cds_hooks") as caught:
        cds_settings.read(path)
    assert "docs/cds-hooks.md" in caught.value.remedy
