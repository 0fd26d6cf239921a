"""One command, one folder: a whole study of a made-up cohort, twice, byte for byte the same."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xmlschema
from clinic_of_two import write_cohort

from pipelines.cli import main
from pipelines.reports import html
from pipelines.study.document import FIGURES_FORMAT, document
from pipelines.study.manifest import DERIVED
from pipelines.study.run_study import run_study

STUDY = """
name = "two"
seed = 3
[cohort]
path = "cohort"
[model]
width = 16
heads = 2
layers = 1
components = 8
space = 0
[training]
alone_epochs = 3
epochs = 1
batch_size = 32
augmentations = 0
space_epochs = 0
[[include]]
name = "outcome known"
known = "failure"
[[exclude]]
name = "too old"
age = [85, 120]
[evaluation]
folds = 2
bootstrap = 40
sensitivity = 0.8
age_edges = [60]
curve_from = 0.1
curve_to = 0.3
"""
PINNED = (
    "metrics.json",
    "predictions.parquet",
    "report.html",
    "report.pdf",
    "examples.html",
    "figures.json",
    "flow.svg",
    "flow.md",
)
SAME = (*PINNED, *DERIVED)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has been run once, with its file beside it."""
    folder = tmp_path_factory.mktemp("study")
    write_cohort(folder / "cohort", cases=200)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    run_study(folder / "study.toml", folder / "out")
    return folder


def metrics(made: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((made / "out" / "metrics.json").read_text())
    return found


def test_the_folder_holds_what_a_reviewer_asks_for(made: Path) -> None:
    files = {path.relative_to(made / "out").as_posix() for path in (made / "out").rglob("*")}
    assert {*SAME, "manifest.json", "suppressed.csv", "same_images.csv", "skipped.csv"} <= files
    assert "figures/1-inflammation-roc.svg" in files
    assert not [name for name in files if name.endswith(".part")]


def test_every_figure_is_listed_with_its_words_and_size(made: Path) -> None:
    out = made / "out"
    listed = json.loads((out / "figures.json").read_text())
    assert listed["format"] == FIGURES_FORMAT
    drawn = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*.svg")}
    assert listed["figures"].keys() == drawn.keys()
    for name, said in listed["figures"].items():
        assert f'width="{said["width"]:g}" height="{said["height"]:g}"' in drawn[name]
        assert f"<title>{escape(said['words'])}</title>" in drawn[name]


def test_a_rerun_trains_nothing_and_gives_the_same_bytes(made: Path) -> None:
    out = made / "out"
    before = {name: (out / name).read_bytes() for name in SAME}
    trained = {path.name: path.stat().st_mtime_ns for path in (out / "folds").iterdir()}
    run_study(made / "study.toml", out)
    assert before == {name: (out / name).read_bytes() for name in SAME}
    assert trained == {path.name: path.stat().st_mtime_ns for path in (out / "folds").iterdir()}


def test_a_lost_training_is_made_again_and_nothing_else(made: Path) -> None:
    out = made / "out"
    before = {name: (out / name).read_bytes() for name in SAME}
    kept = (out / "folds" / "triptych-0-0.json").stat().st_mtime_ns
    (out / "folds" / "triptych-0-1.json").unlink()
    run_study(made / "study.toml", out)
    assert before == {name: (out / name).read_bytes() for name in SAME}
    assert (out / "folds" / "triptych-0-0.json").stat().st_mtime_ns == kept


def test_the_flow_counts_what_the_rules_removed(made: Path) -> None:
    flow = metrics(made)["flow"]
    assert [step["name"] for step in flow["steps"]] == ["outcome known", "too old"]
    assert flow["read"]["cases"] == 200
    assert flow["chosen"]["cases"] == 200 - sum(s["removed"]["cases"] for s in flow["steps"])
    assert 0 < flow["steps"][1]["removed"]["cases"] < 50
    assert sum(part["counts"]["cases"] for part in flow["parts"]) == flow["chosen"]["cases"]


def test_predictions_recompute_the_figures(made: Path) -> None:
    rows = pd.read_parquet(made / "out" / "predictions.parquet")
    found = metrics(made)["labels"]["inflammation"]["operating_point"]
    ours = rows[(rows.method == "triptych") & (rows.label == "inflammation")]
    true = ours.boolean_value.astype(bool)
    alert = ours.predicted_boolean_value.astype(bool)
    assert found["sensitivity"]["value"] == pytest.approx((alert & true).sum() / true.sum())
    assert found["specificity"]["value"] == pytest.approx((~alert & ~true).sum() / (~true).sum())
    assert found["alerts"]["value"] == pytest.approx(100 * alert.sum() / ours.patient_id.nunique())
    assert (rows.subject_id == rows.patient_id).all()
    assert str(rows.prediction_time.dt.tz) == "UTC"
    assert not rows.duplicated(["case_id", "label", "method", "repeat"]).any()
    order = rows.sort_values(["case_id", "label", "method", "repeat"], kind="stable")
    assert order.index.equals(rows.index)


def test_thresholds_come_from_patients_who_are_not_tested(made: Path) -> None:
    rows = pd.read_parquet(made / "out" / "predictions.parquet")
    for number in range(2):
        record = json.loads((made / "out" / "folds" / f"triptych-0-{number}.json").read_text())
        own = rows[(rows.method == "triptych") & (rows.label == "failure")]
        tested = own[own.fold == f"fold {number + 1}"]
        learnt = own[own.fold != f"fold {number + 1}"]
        places = record["validated"]["places"]
        assert 0 < len(places) < len(learnt)
        held = set(learnt.patient_id.iloc[places])
        assert not held & set(tested.patient_id)


def test_the_report_is_made_from_metrics_and_manifest_alone(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere"
    out.mkdir()
    for name in ("metrics.json", "manifest.json"):
        (out / name).write_bytes((made / "out" / name).read_bytes())
    assert main(["study", "report", str(out)], {}) == 0
    for name in ("report.html", *DERIVED):
        assert (out / name).read_bytes() == (made / "out" / name).read_bytes()
    page = (out / "report.html").read_text()
    assert page == (made / "out" / "report.html").read_text()
    assert (out / "report.pdf").read_bytes() == (made / "out" / "report.pdf").read_bytes()
    assert metrics(made)["verdict"]["sentence"] in page
    assert "Research use only" in page
    assert "<script" not in page
    assert page.index("verdict") < page.index("Flow of cases") < page.index("Macro AUROC</th>")


def test_only_the_page_of_examples_names_cases(made: Path) -> None:
    out = made / "out"
    named = set(pd.read_parquet(out / "predictions.parquet").case_id)

    def found(file: str) -> list[str]:
        # A digest or an image may hold the same letters by chance, but in the middle of a word.
        words = set(re.findall(r"[\w+/]+", (out / file).read_text()))
        return sorted(named & words)

    assert 0 < len(found("examples.html")) <= len(metrics(made)["examples"])
    for file in ("metrics.json", "report.html", "manifest.json"):
        assert not found(file), file


def test_names_in_the_report_are_escaped(made: Path) -> None:
    found = metrics(made)
    found["study"]["name"] = "<b>bold</b>"
    found["labels"]["<i>"] = found["labels"].pop("failure")
    page = html.page(document(found))
    assert "<b>bold</b>" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "<i>" not in page


def test_neither_paths_nor_patients_leave_in_the_manifest_or_the_report(made: Path) -> None:
    for name in ("manifest.json", "metrics.json", "report.html", *DERIVED):
        text = (made / "out" / name).read_text()
        assert str(made) not in text
        assert "p0001" not in text
        assert '"c0001"' not in text


def test_the_manifest_pins_what_was_written(made: Path) -> None:
    import hashlib

    found = json.loads((made / "out" / "manifest.json").read_text())
    for name in PINNED:
        digest = hashlib.sha256((made / "out" / name).read_bytes()).hexdigest()
        assert found["files"][name]["sha256"] == digest
    study = hashlib.sha256((made / "study.toml").read_bytes()).hexdigest()
    assert found["study"]["file_sha256"] == study
    assert found["counts"]["read"] == 200
    assert found["derived"] == list(DERIVED)
    assert not set(DERIVED) & set(found["files"])
    assert found["inputs"] == dict.fromkeys(
        ("history", "measurements", "notes"), found["counts"]["selected cases"]
    )
    assert found["study"]["settings"]["model"]["width"] == 16
    assert "cohort" not in found["study"]["settings"]


def test_the_model_card_of_a_real_run_is_valid(made: Path) -> None:
    schema = xmlschema.XMLSchema(Path(__file__).parent / "chai" / "schema.xsd", allow="local")
    schema.validate(made / "out" / "model_card.xml")


def test_what_is_not_there_is_said(made: Path) -> None:
    found = {row["what"]: row["because"] for row in metrics(made)["not_done"]}
    assert found["subgroups by site"] == "stated for no case"
    assert found["identical images across the split"] == "no case has an image"
    assert "independent" in found["DeLong intervals"]
    guards = metrics(made)["guards"]
    assert all(one["reason"] for one in guards if one["skipped"])


def test_a_misspelt_rule_is_named_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "study.toml"
    file.write_text(STUDY.replace("age = [85", "ages = [85"), encoding="utf-8")
    assert main(["study", "run", str(file), "--out", str(tmp_path / "out")], {}) == 1
    assert "did you mean 'age'?" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_report_of_nothing_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "report", str(tmp_path)], {}) == 1
    assert "study run" in capsys.readouterr().err
