"""Electrocardiograms in CSV files: rate and unit are stated, and a bad cell is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clinical.errors import WaveformError
from clinical.modalities.ecg import table


def wide(rows: int = 1000, rate: float = 250.0, cell: str = "") -> str:
    """A table with time, I and V1; `cell` stands in row 5 of V1."""
    lines = ["time,I,Lead V1,remark"]
    for number in range(rows):
        value = cell if cell and number == 3 else f"{number * 2:g}"
        lines.append(f"{number / rate:.4f},{number:g},{value},x")
    return "\n".join(lines) + "\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_one_column_per_lead(tmp_path: Path) -> None:
    found = table.read(written(tmp_path / "a.csv", wide()), rate=250, unit="uV")
    assert found.leads == ("I", "V1")
    assert found.samples.shape == (2, 1000)
    np.testing.assert_allclose(found.lead("V1"), np.arange(1000) * 0.002, rtol=1e-6)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters(tmp_path: Path, delimiter: str) -> None:
    text = wide().replace(",", delimiter)
    found = table.read(written(tmp_path / "a.csv", text), rate=250, unit="mV")
    assert found.leads == ("I", "V1")


def test_one_row_per_value_in_any_order(tmp_path: Path) -> None:
    rows = [
        f"{lead},{n},{n + add}" for n in range(999, -1, -1) for lead, add in (("I", 0), ("II", 5))
    ]
    text = "\n".join(["lead,sample,value", *rows]) + "\n"
    found = table.read(written(tmp_path / "a.csv", text), rate=250, unit="mV")
    assert found.leads == ("I", "II")
    np.testing.assert_array_equal(found.lead("II"), np.arange(1000) + 5)


def test_an_empty_cell_is_a_gap(tmp_path: Path) -> None:
    found = table.read(written(tmp_path / "a.csv", wide(cell=" ")), rate=250, unit="mV")
    assert np.flatnonzero(np.isnan(found.lead("V1"))).tolist() == [3]


@pytest.mark.parametrize(("rate", "unit"), [(None, "mV"), (float("nan"), "mV"), (250, None)])
def test_rate_and_unit_must_be_stated(tmp_path: Path, rate: float | None, unit: str | None) -> None:
    with pytest.raises(WaveformError, match="not stated"):
        table.read(written(tmp_path / "a.csv", wide()), rate=rate, unit=unit)


@pytest.mark.parametrize("cell", ["1:5", "about 3", "inf", "0;5"])
def test_a_bad_cell_is_named_and_never_shown(tmp_path: Path, cell: str) -> None:
    with pytest.raises(WaveformError) as caught:
        table.read(written(tmp_path / "a.csv", wide(cell=cell)), rate=250, unit="mV")
    assert (caught.value.row, caught.value.column) == (5, "Lead V1")
    assert cell not in str(caught.value)


def test_times_that_contradict_the_rate_are_told(tmp_path: Path) -> None:
    with pytest.raises(WaveformError, match="contradict the sampling rate") as caught:
        table.read(written(tmp_path / "a.csv", wide(rate=500)), rate=250, unit="mV")
    assert caught.value.column == "time"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,2\n", "No column"),
        ("I,I\n1,2\n", "Two columns are lead I"),
        ("I,II\n", "no rows"),
        ("lead,sample,value\nI,0,1\nI,0,2\n", "given twice"),
        ("lead,sample,value\nresp,0,1\n", "does not name a lead"),
        ("lead,sample,value\nI,0.5,1\n", "does not number a sample"),
        ("lead,sample,value\nI,,1\n", "does not number a sample"),
        ('I,II\n"1,2\n', "not a CSV table"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(WaveformError, match=why):
        table.read(written(tmp_path / "a.csv", text), rate=250, unit="mV")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WaveformError, match="cannot be opened"):
        table.read(tmp_path / "a.csv", rate=250, unit="mV")
