"""A further sense of the simulated clinic: found by itself, and nothing else changes with it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import pipelines.laboratory.oracle
import pipelines.laboratory.simulate
from clinical.errors import ConfigError
from pipelines.laboratory.oracle import evidence, run
from pipelines.laboratory.oracle.likelihood_ratios import evidence_ratios
from pipelines.laboratory.oracle.posterior import posterior, prepare
from pipelines.laboratory.simulate import likelihoods, senses
from pipelines.laboratory.simulate.clinic import LABELS, draw_patient, earlier_visit
from pipelines.laboratory.simulate.cohort import simulate
from pipelines.laboratory.simulate.design import Design, design

EXAMPLE = Path(__file__).parents[3] / "further_sense"
WITH = Design(senses=("pulse",))


@pytest.fixture(autouse=True)
def _a_sense_more(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for package, folder in (
        (pipelines.laboratory.simulate, "simulate"),
        (pipelines.laboratory.oracle, "oracle"),
    ):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(EXAMPLE / folder)])
    senses.senses.cache_clear()
    yield
    senses.senses.cache_clear()


def rows(root: Path, name: str) -> list[dict[str, str]]:
    with (root / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_is_enough_to_be_found() -> None:
    assert "pulse" in senses.senses()
    assert design("mnar", "", LABELS, senses.chosen(["pulse", "pulse"])) == WITH
    with pytest.raises(ConfigError, match="no 'puls' to add"):
        senses.chosen(["puls"])


def test_every_sense_fits_the_clinic_and_has_a_digest() -> None:
    for name, sense in senses.senses().items():
        assert name == sense.name
        assert len(sense.digest()) == 64
        sense.check(likelihoods.load())


def test_all_else_of_a_patient_is_the_same() -> None:
    for number in range(12):
        with_it = draw_patient(9, number, design=WITH)
        assert replace(with_it, recorded={}) == replace(draw_patient(9, number), recorded={})
    assert not draw_patient(9, 0).recorded


def test_a_visit_without_a_recording_has_no_key_unless_nothing_may_be_missing() -> None:
    drawn = [draw_patient(9, number, design=WITH).recorded for number in range(60)]
    assert 0 < sum("pulse" not in shown for shown in drawn) < 40
    complete = Design("none", senses=("pulse",))
    assert all("pulse" in draw_patient(9, n, design=complete).recorded for n in range(20))


def test_the_body_is_the_same_at_every_visit() -> None:
    table = likelihoods.load()
    complete = Design("none", senses=("pulse",))
    again = [n for n in range(1, 120, 2) if earlier_visit(9, n, table) is not None]
    assert again
    for number in again:
        now, before = (draw_patient(9, n, design=complete) for n in (number, number - 1))
        assert now.recorded["pulse"].split()[1] == before.recorded["pulse"].split()[1]


def test_a_cohort_with_it_has_a_table_and_files_more_and_is_else_the_same(tmp_path: Path) -> None:
    plain, more = tmp_path / "plain", tmp_path / "more"
    simulate(4, 9, plain, rows=64)
    simulate(4, 9, more, rows=64, design=WITH)
    for path in plain.rglob("*"):
        same = more / path.relative_to(plain)
        if path.is_file() and path.name != "simulation.json":
            assert same.read_bytes() == path.read_bytes()
    record = json.loads((more / "simulation.json").read_text())
    assert record.pop("senses") == {"pulse": "0" * 64}
    assert record == json.loads((plain / "simulation.json").read_text())
    found = rows(more, "pulses")
    assert found
    assert tuple(found[0]) == senses.COLUMNS
    for row in found:
        text = (more / row["path"]).read_text()
        assert text.startswith(
            next(
                case["patient_id"]
                for case in rows(more, "cases")
                if case["case_id"] == row["case_id"]
            )
        )


def test_an_earlier_recording_stands_beside_as_it_was(tmp_path: Path) -> None:
    table = likelihoods.load()
    number = next(
        n
        for n in range(1, 400, 2)
        if earlier_visit(9, n, table) is not None
        and draw_patient(9, n - 1, design=WITH).recorded
        and draw_patient(9, n, design=WITH).recorded
    )
    simulate(2, 9, tmp_path / "c", first=number - 1, rows=64, design=WITH)
    first, second, prior = rows(tmp_path / "c", "pulses")
    assert (second["role"], prior["role"]) == ("", "prior")
    assert prior["case_id"] == second["case_id"] != first["case_id"]
    files = [tmp_path / "c" / row["path"] for row in (first, prior)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert prior["time"] == first["time"]


def test_the_oracle_hears_it() -> None:
    oracle = prepare(likelihoods.load(), WITH)
    drawn = [draw_patient(9, number, design=WITH) for number in range(40)]
    full, flat = (
        next(p for p in drawn if p.recorded.get("pulse", "").startswith(word))
        for word in ("full", "flat")
    )
    assert "pulse" in evidence.present(full)
    for patient, side in ((full, 1), (flat, -1)):
        prior = posterior(patient, oracle, frozenset()).probabilities["heart_failure"]
        told = posterior(patient, oracle, frozenset({"pulse"})).probabilities["heart_failure"]
        assert side * (told - prior) > 0.01
        (worth,) = evidence_ratios(patient, oracle, frozenset({"pulse"}))
        assert (worth.kind, worth.name) == ("pulse", "pulse")
        assert side * worth.ratios["heart_failure"] > 1
    # Odds of 9 to 1 either way: what the oracle says is by hand.
    odds = told / (1 - told) / (prior / (1 - prior))
    assert odds == pytest.approx(1 / 9, rel=0.1)


def test_the_oracle_asks_about_it_by_itself_and_without_it(tmp_path: Path) -> None:
    simulate(3, 9, tmp_path / "c", rows=64, design=WITH)
    run.run(tmp_path / "c", tmp_path / "o.csv", leave_one_out=True)
    asked = {row["evidence"] for row in rows(tmp_path, "o")}
    assert {"pulse", "without_pulse", "all"} <= asked


def test_another_table_of_the_sense_is_refused(tmp_path: Path) -> None:
    simulate(1, 9, tmp_path / "c", rows=64, design=WITH)
    file = tmp_path / "c" / "simulation.json"
    file.write_text(file.read_text().replace("0" * 64, "1" * 64))
    with pytest.raises(ConfigError, match="another table"):
        run.run(tmp_path / "c", tmp_path / "o.csv")
