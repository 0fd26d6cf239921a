"""The study page on a made-up study."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
import study_fixture
from streamlit.testing.v1 import AppTest
from waiting import SECONDS

from clinical.access.roles import Role
from clinical.errors import CohortError
from ui.pages import study
from ui.state import studies
from ui.words import markup

OpenStudy = Callable[..., AppTest]


def script() -> None:
    """The page by itself; what opens a case needs a page to go to."""
    import streamlit as st

    from ui.pages import study

    study.render(st.Page(lambda: None, title="Case", url_path="case"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study_fixture.make_studies(tmp_path_factory.mktemp("studies"))


@pytest.fixture
def open_study(prepared_workspace: Path) -> OpenStudy:
    st.cache_resource.clear()

    def opened(folder: Path | None, role: Role = "reader") -> AppTest:
        page = AppTest.from_function(script, default_timeout=SECONDS)
        page.secrets["workspace"] = str(prepared_workspace)
        page.secrets["reader"] = "dr.test"
        page.secrets["role"] = role
        if folder is not None:
            page.secrets["studies"] = str(folder)
        return page.run()

    return opened


def shown(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def test_without_a_folder_it_says_how_to_name_one(open_study: OpenStudy) -> None:
    page = open_study(None)
    assert "--studies" in page.info[0].value


def test_an_empty_folder_holds_no_study(open_study: OpenStudy, tmp_path: Path) -> None:
    assert "no finished study" in open_study(tmp_path).info[0].value


def test_verdict_figures_groups_and_what_fired(open_study: OpenStudy, root: Path) -> None:
    page = open_study(root)
    html = shown(page)

    assert not page.exception
    assert "Fusion adds 0.050" in html
    assert "The note names it." in html
    assert "Times tell nothing." not in html
    assert 'alt="ROC curves of heart failure"' in html
    assert "ROC curves of sepsis" not in html
    assert "data:image/svg+xml;base64," in html
    assert "sex: female" in html
    assert "0.800" in html
    assert "Groups too small to show, of all labels: 1" in html


def test_another_diagnosis_shows_its_own_figures(open_study: OpenStudy, root: Path) -> None:
    page = open_study(root)
    page.segmented_control[0].set_value("sepsis").run()
    assert 'alt="ROC curves of sepsis"' in shown(page)
    assert "ROC curves of heart failure" not in shown(page)


def test_a_study_of_another_format_is_refused_in_words(open_study: OpenStudy, root: Path) -> None:
    page = open_study(root)
    page.selectbox(key=study.CHOSEN).select(root / "older").run()
    assert page.exception[0].message.startswith("older holds no metrics.json")


def test_single_cases_are_for_those_who_may_read_cases(open_study: OpenStudy, root: Path) -> None:
    page = open_study(root, role="administrator")
    assert "may not see individual cases" in shown(page)
    assert "CASE-001" not in shown(page)


def test_examples_are_the_extremes_of_the_first_repeat(root: Path) -> None:
    found = studies.examples(root / "made-up", study_fixture.LABEL, 4)

    assert [(e.case_id, e.kind) for e in found] == [
        ("elsewhere-1", "found"),
        ("CASE-001", "found"),
        ("CASE-002", "missed"),
        ("CASE-003", "false alarm"),
    ]
    assert found[1].alone == {"image": pytest.approx(0.465)}


def test_only_cases_of_the_workspace_can_be_opened(root: Path) -> None:
    found = studies.examples(root / "made-up", study_fixture.LABEL, 4)
    made = str(study.gallery(found, {"CASE-001": "data:image/png;base64,AAAA"}))

    assert made.count("data-pick") == 1
    assert 'data-pick="CASE-001"' in made
    assert made.count("not in this workspace") == 3
    assert made.count("<img") == 1
    assert 'src="data:image/png;base64,AAAA"' in made


def test_cases_of_the_workspace_show_their_image(open_study: OpenStudy, root: Path) -> None:
    page = open_study(root)
    assert (
        sum(
            "data:image/png;base64," in str(element.proto) for element in page.get("bidi_component")
        )
        == 1
    )


def test_folders_are_those_with_figures(root: Path) -> None:
    assert [folder.name for folder in studies.folders(root)] == ["made-up", "older"]
    assert [folder.name for folder in studies.folders(root / "made-up")] == ["made-up"]
    assert studies.folders(root / "nowhere") == []


def test_spoiled_predictions_are_named(tmp_path: Path) -> None:
    (tmp_path / "predictions.parquet").write_bytes(b"not parquet")
    with pytest.raises(CohortError, match=r"no predictions\.parquet"):
        studies.examples(tmp_path, study_fixture.LABEL, 4)


def test_what_a_study_says_of_a_figure_stays_text(root: Path) -> None:
    found = studies.figure(root / "made-up", "figures/missingness.svg")
    assert found is not None
    assert found.words == "AUROC by inputs <b>"
    assert "<b>" not in str(markup.picture(found.svg, found.words, "figure"))


def test_figures_take_the_room_that_they_need(open_study: OpenStudy, root: Path) -> None:
    html = shown(open_study(root))
    wide = re.findall(r'<figure class="wide"><img[^>]*alt="([^"]*)"', html)
    narrow = re.findall(r'<figure><img[^>]*alt="([^"]*)"', html)
    assert wide == [
        "AUROC of heart failure in groups",
        "Flow of cases",
        "AUROC by inputs &lt;b&gt;",
    ]
    assert narrow == ["ROC curves of heart failure"]


def test_a_study_from_before_figures_json_names_its_figures(
    open_study: OpenStudy, root: Path, tmp_path: Path
) -> None:
    shutil.copytree(root / "made-up", tmp_path / "older")
    (tmp_path / "older" / "figures.json").unlink()
    page = open_study(tmp_path)
    assert not page.exception
    assert 'alt="1 heart failure roc"' in shown(page)


def test_figures_json_that_cannot_be_read_is_named(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "made-up", tmp_path / "spoiled")
    (tmp_path / "spoiled" / "figures.json").write_text("[]")
    with pytest.raises(CohortError, match=r"spoiled holds no figures\.json"):
        studies.figure(tmp_path / "spoiled", "flow.svg")


def test_metrics_without_optional_parts_can_be_shown() -> None:
    whole = json.loads(json.dumps({"labels": {"x": {"methods": {}}}}))
    assert "No group was judged" in str(study.groups(whole, "x"))
    assert "No operating point" in str(study.operating_point(None))
