"""The rules of assembly as people write them, and what is refused by name."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from clinical.errors import ConfigError
from clinical.exchange import assembly_rules
from clinical.exchange.assembly_rules import Rules

DOCS = Path(__file__).parents[3] / "docs" / "assembly.md"


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "receive.toml"
    file.write_text(
        '[assembly]\nauthority = "HOSP"\nmodalities = ["DX"]\nlaboratory_hours = 48\n'
        'codes = { "K+" = "2823-3" }\n[other]\nkey = 1\n',
        encoding="utf-8",
    )
    rules = assembly_rules.load(file)
    assert (rules.authority, rules.modalities) == ("HOSP", ("DX",))
    assert (rules.laboratory_hours, rules.codes["K+"]) == (48.0, "2823-3")
    assert rules.vital_hours == Rules().vital_hours


def test_no_file_and_no_table_are_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("", encoding="utf-8")
    assert assembly_rules.load(None) == assembly_rules.load(tmp_path / "empty.toml") == Rules()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"labratory_hours": 1}, "did you mean 'laboratory_hours'"),
        ({"laboratory_hours": "a day"}, "has a value of type str"),
        ({"late_hours": -1}, "late_hours is -1"),
        ({"keep_days": 0.1}, "shorter than late_hours"),
        ({"decision": "films"}, "did you mean 'film'"),
        ({"told_later": "ignore"}, "choose from: new version, leave out"),
        ({"time_zone": "Berlin"}, "IANA name"),
        ({"modalities": []}, "modalities is empty"),
        ({"senders": {"PACS": 1}}, "senders has a value that is not text"),
        ({"codes": {"K+": "potash of lime"}}, "is no measurement that is known"),
    ],
)
def test_what_is_no_rule_is_named(table: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        assembly_rules.of(table)
    assert message in str(caught.value)


def test_the_record_of_a_case_names_no_system_of_the_hospital() -> None:
    rules = Rules(authority="HOSP", senders={"PACS_3": "HOSP"}, codes={"K+": "2823-3"})
    kept = str(assembly_rules.for_record(rules))
    assert not any(name in kept for name in ("HOSP", "PACS_3", "K+"))
    assert (
        assembly_rules.for_record(rules)["digest"] != assembly_rules.for_record(Rules())["digest"]
    )


def test_every_rule_and_its_default_is_in_the_manual() -> None:
    rows = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if "|" in line]
    plain = assembly_rules.as_json(Rules())
    for spec in fields(Rules):
        (row,) = [row for row in rows if row.startswith(f"| {spec.name} |")]
        value = plain[spec.name]
        said = (
            {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
        )
        words = (
            ", ".join(said)
            if isinstance(said, list)
            else f"{said:g}"
            if isinstance(said, float)
            else str(said or "none")
        )
        assert row.split("|")[2].strip() == words, row
