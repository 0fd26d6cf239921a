"""`triptych adapt` as a whole, on a made-up clinic: what comes out, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clinic_of_two import write_cohort
from models_of_two_ages import write

from clinical.assess.assess import Assessor
from clinical.cohorts import folder
from clinical.model import card
from clinical.model import model as models
from clinical.model.model import Model
from pipelines.adapting import run
from pipelines.cli import main

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def place(model_of_two: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a site at which one outcome is told the other way, and the result."""
    root = tmp_path_factory.mktemp("adapt")
    write(root / "model", model_of_two)
    site = write_cohort(root / "site", cases=80)
    flip(site / "outcomes.csv", "failure", every=3)
    assert adapt(root, "out", "--sensitivity=0.9") == 0
    return root


def flip(table: Path, diagnosis: str, every: int) -> None:
    """Turn each nth outcome of a diagnosis round."""
    lines = table.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        case_id, name, value = line.split(",")
        if name == diagnosis and number % every == 0:
            lines[number] = f"{case_id},{name},{1 - int(value)}"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")


def adapt(root: Path, out: str, *options: str, model: str = "model", site: str = "site") -> int:
    """Run the command on folders of a root."""
    places = [str(root / model), str(root / site), f"--out={root / out}"]
    return main(["adapt", *places, "--samples=50", *options], {})


def site_of(root: Path, name: str, keep: int = 0, outcomes: str | None = None) -> Path:
    """Another site: fewer cases, or other outcomes."""
    site = write_cohort(root / name, cases=keep or 40)
    if outcomes is not None:
        (site / "outcomes.csv").write_text(outcomes, encoding="utf-8")
    return site


def test_the_new_model_names_its_parent_and_the_old_one_is_untouched(place: Path) -> None:
    parent, new = card.read(place / "model"), card.read(place / "out" / "model")
    assert new.name == "two-adapted"
    (record,) = new.description["facts"]["adapted"]
    assert record["parent"] == {"name": "two", "digest": parent.digest}
    assert record["site"]["labelled_cases"] == 80
    assert record["diagnoses"]["failure"]["change"] != "none"
    assert parent.digest in new.words
    assert "## Adapted from two" in new.words
    assert models.load(place / "model").identity.digest == parent.digest != new.digest


def test_the_new_model_assesses_and_says_the_same_again(place: Path) -> None:
    case = next(one for one in folder.read(place / "site") if not hasattr(one, "problem"))
    told = [
        Assessor(models.load(place / "out" / "model")).assess(case)  # type: ignore[arg-type]
        for _ in range(2)
    ]
    assert told[0] == told[1]
    before = Assessor(models.load(place / "model")).assess(case)  # type: ignore[arg-type]
    assert {s.diagnosis: s.probability for s in told[0].suggestions} != {
        s.diagnosis: s.probability for s in before.suggestions
    }


def test_the_report_judges_on_patients_it_was_not_fitted_on(place: Path) -> None:
    found = json.loads((place / "out" / "adaptation.json").read_text(encoding="utf-8"))
    one = found["diagnoses"]["failure"]
    assert one["after"]["log_loss"]["value"] < one["before"]["log_loss"]["value"]
    assert one["before"]["log_loss"]["cases"] == 80
    assert found["curve"]["points"][0]["cases"] == 0
    assert found["curve"]["points"][-1]["cases"] < 80
    for name in ("report.html", "report.md"):
        text = (place / "out" / name).read_text(encoding="utf-8")
        assert "What more cases would buy" in text
        assert "an estimate" in text or "cannot be estimated" in text


def test_a_workspace_takes_the_new_model_and_replays_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = f"--workspace={place / 'workspace'}"
    assert main(["models", "add", str(place / "out" / "model"), workspace], {}) == 0
    assert main(["models", "remove", "first-light", "--retire", workspace], {}) == 0
    cases = write_cohort(place / "few", cases=4)
    assert main(["assess", str(cases), f"--out={place / 'assessed'}", workspace], {}) == 0
    assert main(["audit", "replay", "--all", workspace], {}) == 0
    assert "4 replayed: 4 identical" in capsys.readouterr().out


def test_a_second_adaptation_to_other_cases_keeps_both_parents(place: Path) -> None:
    write_cohort(place / "next", cases=60)
    flip(place / "next" / "outcomes.csv", "inflammation", every=3)
    assert adapt(place, "again", model="out/model", site="next") == 0
    new = card.read(place / "again" / "model")
    assert new.name == "two-adapted-2"
    names = [one["parent"]["name"] for one in new.description["facts"]["adapted"]]
    assert names == ["two", "two-adapted"]


def refused(capsys: pytest.CaptureFixture[str], code: int) -> str:
    assert code == 1
    return " ".join(capsys.readouterr().err.split())


def test_the_same_cases_twice_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = adapt(place, "twice", model="out/model")
    assert "was adapted on these same cases before" in refused(capsys, code)
    assert not (place / "twice" / "model").exists()


def test_a_folder_with_a_model_is_not_written_over(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "holds a model already" in refused(capsys, adapt(place, "out"))


HEAD = "case_id,diagnosis,value\n"


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        (HEAD, "no known outcome"),
        (
            HEAD + "".join(f"c{i:04d},failure,0\n" for i in range(40)),
            "has the same outcome (failure)",
        ),
        (
            HEAD + "".join(f"c{i:04d},failure,{i % 2}\n" for i in range(6)),
            "3 patients with known outcomes are too few",
        ),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_with_a_way_out(
    place: Path,
    tmp_path: Path,
    outcomes: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site_of(tmp_path, "site", outcomes=outcomes)
    write(tmp_path / "model", models.load(place / "model"))
    text = refused(capsys, adapt(tmp_path, "out"))
    assert said in text
    assert "--cases 0" in text
    assert not (tmp_path / "out" / "model").exists()


def test_outcomes_by_other_names_are_refused_with_the_nearest(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = site_of(tmp_path, "site")
    for file in ("outcomes.csv", "cohort.toml"):
        text = (site / file).read_text(encoding="utf-8")
        renamed = text.replace("failure", "heart_failure").replace("inflammation", "sepsis")
        (site / file).write_text(renamed, encoding="utf-8")
    write(tmp_path / "model", models.load(place / "model"))
    assert "(heart_failure, sepsis) are none of the model's" in refused(
        capsys, adapt(tmp_path, "out")
    )


def test_patients_of_the_training_are_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = adapt(place, "shared", f"--trained-on={place / 'site'}")
    assert "40 patients of this cohort are among those" in refused(capsys, code)


def test_a_sensitivity_needs_labels(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = adapt(place, "blind", "--cases=0", "--sensitivity=0.9")
    assert "cannot be aimed at without labelled cases" in refused(capsys, code)


def test_without_a_reason_to_change_no_model_is_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adapt(place, "same", "--cases=0") == 0
    assert "keep using two. No model was written." in capsys.readouterr().out
    assert not (place / "same" / "model").exists()
    found = json.loads((place / "same" / "adaptation.json").read_text(encoding="utf-8"))
    assert (found["changed"], found["curve"]) == (False, None)


def test_a_stopped_run_leaves_nothing_half_written(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "adapted_card", stop)
    write(tmp_path / "model", models.load(place / "model"))
    site = write_cohort(tmp_path / "site", cases=40)
    flip(site / "outcomes.csv", "failure", every=3)
    assert adapt(tmp_path, "out") == 130
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name != "features"] == []


def test_cases_with_the_same_inputs_are_one_patients(place: Path, tmp_path: Path) -> None:
    site = write_cohort(tmp_path / "site", cases=40)
    for file in ("cases.csv", "measurements.csv", "history.csv", "notes.csv", "outcomes.csv"):
        lines = (site / file).read_text(encoding="utf-8").splitlines()
        # Everybody again, under another name.
        again = [line.replace("c0", "d0", 1).replace(",p0", ",q0", 1) for line in lines[1:]]
        (site / file).write_text("\n".join([*lines, *again]) + "\n", encoding="utf-8")
    write(tmp_path / "model", models.load(place / "model"))
    assert adapt(tmp_path, "out", "--cases=0") == 0
    found = json.loads((tmp_path / "out" / "adaptation.json").read_text(encoding="utf-8"))
    assert found["record"]["site"]["cases"] == 80
    assert found["record"]["site"]["patients"] == 20
    assert found["doubled"] == 40
