"""`triptych check PATH`: exit codes, what it says, and what never leaves the folder."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clinical.modalities.radiograph import burnt_text
from pipelines.cli import main
from pipelines.commands.demo import SAMPLE_DATA

SECRETS = ("pat-4711", "case-0815", "Grandmother", "Meier", "holiday-film")


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """One embedded film, in a cohort full of words that nobody else may read."""
    root = tmp_path / "cohort"
    root.mkdir()
    film = sorted((SAMPLE_DATA / "images").glob("*.dcm"))[0]
    shutil.copy(film, root / "holiday-film.dcm")
    tables = {
        "cases": "case_id,patient_id,decision_time,sex\ncase-0815,pat-4711,2030-01-01T12:00,f\n",
        "images": "case_id,path,view\ncase-0815,holiday-film.dcm,PA\n",
        "measurements": "case_id,code,value,unit,time\n"
        "case-0815,CRP,17.25,mg/L,2029-12-31T12:00\ncase-0815,Frau Meier,1,,2029-12-31T12:00\n",
        "notes": "case_id,section,text\ncase-0815,indication,Grandmother is ill in Meierhof.\n",
        "history": "case_id,code,display\ncase-0815,Grandmother,Meier\n",
    }
    for name, text in tables.items():
        (root / f"{name}.csv").write_text(text, encoding="utf-8")
    return root


def test_nothing_of_one_person_leaves_the_folder(
    cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, data = tmp_path / "check.html", tmp_path / "check.json"
    main(["check", str(cohort), "--html", str(page), "--json", str(data)], {})
    heard = capsys.readouterr()
    for text in (heard.out, heard.err, page.read_text("utf-8"), data.read_text("utf-8")):
        assert not [word for word in SECRETS if word in text]
        assert "17.25" not in text
    assert "Images" in heard.out
    assert json.loads(data.read_text("utf-8"))["images"]["files"] == 1


def test_text_in_pixels_is_looked_for_only_if_asked_for(
    cohort: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(burnt_text, "demand", lambda: None)
    monkeypatch.setattr(burnt_text, "find", lambda _: burnt_text.BurntText(2, 1, 0.01))
    film = str(cohort / "holiday-film.dcm")
    main(["check", film], {})
    assert "burnt into the pixels" not in capsys.readouterr().out
    assert main(["check", film, "--text"], {}) == 1
    heard = " ".join(capsys.readouterr().out.split())
    assert "than a side marker is burnt into the pixels; it may name" in heard
    assert "triptych inspect FILE --text" in heard


def test_without_the_extra_nothing_is_looked_at(
    cohort: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(burnt_text, "find_spec", lambda _: None)
    assert main(["check", str(cohort), "--text"], {}) != 0
    heard = capsys.readouterr()
    assert "rapidocr is not installed" in heard.err
    assert 'pip install "triptych[ocr]"' in heard.err
    assert heard.out == ""


def test_the_page_loads_nothing_and_holds_every_column(cohort: Path, tmp_path: Path) -> None:
    page = tmp_path / "check.html"
    main(["check", str(cohort), "--html", str(page)], {})
    text = page.read_text("utf-8")
    assert "default-src &#39;none&#39;" in text
    assert not re.search(r"(?:src|href)=\"(?!#)", text)
    assert "<td>decision_time</td>" in text


def test_the_embedded_cohort_needs_no_decision(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(SAMPLE_DATA), "--images", "3"], {}) == 0
    said = capsys.readouterr().out
    assert "Read as folder: 48 cases of 46 patients" in said
    assert "Nothing must be decided" in said


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "labs.csv").write_text("case_id,code,value,unit\nc1,CRP,5,mg/L\n", encoding="utf-8")
    assert main(["check", str(tmp_path)], {}) == 1
    assert "It is not a cohort yet" in capsys.readouterr().out
    assert main(["check", str(tmp_path / "nowhere")], {}) == 2
    assert main(["check", str(tmp_path), "--images", "-1"], {}) == 2
    assert main(["check", str(tmp_path), "--source", "hannover"], {}) == 1
    assert "data.csv" in capsys.readouterr().err
    assert main(["check", str(tmp_path), "--html", str(tmp_path / "no" / "where.html")], {}) == 1
    assert "The folder of the file to write does not exist" in capsys.readouterr().err
    assert main(["check", str(tmp_path), "--json", str(tmp_path)], {}) == 1
    assert f"{tmp_path} cannot be written: Is a directory." in capsys.readouterr().err


def test_no_model_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from pipelines.cli import main;"
        f"main(['check', {str(tmp_path)!r}], {{}});"
        "print([name for name in ('torch', 'monai', 'pydicom') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
