"""The HTML report: what it says, and that nothing in it can act or call out."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Engine

from clinical import store
from clinical.assessment import Explanation, HeatMap
from clinical.case import Array, Case
from clinical.database import writing
from clinical.export import wording
from clinical.export.bundle import export
from clinical.export.picture import grey, pictures, window_of
from clinical.review import record_assessment, record_decision
from clinical.wording import RESEARCH_USE

GOLDEN = Path(__file__).with_name("golden_report.html")
HOSTILE = (
    '<script>alert(1)</script><img src="https://evil.example/x.png" onerror=alert(2)>'
    "\n</mark></p>{{ 7 * 7 }} ![x](https://evil.example/y.png)"
)


class Page(HTMLParser):
    """Tags and attributes of a page, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def report_of(workspace: Engine, out: Path, example: Any) -> str:
    export(workspace, out, actor="auditor", time=example.noon + timedelta(days=1))
    with zipfile.ZipFile(out) as archive:
        return archive.read("report.html").decode()


def test_the_report_of_one_small_case_is_as_it_was_looked_at(
    workspace: Engine, example: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.secrets, "token_hex", lambda size: "5a" * size)
    digest, _ = example.recorded(workspace)
    steps: list[dict[str, Any]] = [
        {"comment": "Agreed."},
        {"action": "modify", "reason": "lab_explains", "replacement": "heart_failure"},
        {"action": "reject", "reason": "finding_is_artifact", "diagnosis": "pneumothorax"},
    ]
    with writing(workspace) as connection:
        for number, changes in enumerate(steps):
            moment = example.noon + timedelta(minutes=3 + number)
            decision = example.decision(digest, time=moment, **changes)
            record_decision(connection, decision, time=moment)
    html = report_of(workspace, tmp_path / "out", example)
    # The bytes of a PNG depend on the version of zlib; the pictures have a test of their own.
    html = re.sub(r"data:image/png;base64,[\w+/=]+", "data:image/png;base64,", html)
    (tmp_path / "new.html").write_text(html, encoding="utf-8")
    assert html == GOLDEN.read_text(encoding="utf-8"), (
        f"the report changed; look at {tmp_path / 'new.html'} and, if it is right, copy it to "
        f"{GOLDEN.name}"
    )


def test_a_hostile_note_and_comment_are_shown_as_text(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    digest, _ = example.recorded(workspace, example.case(note=HOSTILE))
    with writing(workspace) as connection:
        record_decision(connection, example.decision(digest, comment=HOSTILE))
    page = Page(report_of(workspace, tmp_path / "out", example))
    assert page.tags.isdisjoint({"script", "img", "iframe", "object", "form", "link", "base"})
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]
    assert page.text.count("<script>alert(1)</script>") == 2
    assert page.text.count("{{ 7 * 7 }}") == 2


def test_the_page_calls_nobody(workspace: Engine, example: Any, tmp_path: Path) -> None:
    example.recorded(workspace)
    html = report_of(workspace, tmp_path / "out", example)
    page = Page(html)
    policy = next(value for _, value in page.attributes if value.startswith("default-src"))
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    links = [value for name, value in page.attributes if name in {"href", "src", "action"}]
    assert links
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    rest = re.sub(r"base64,[\w+/=]+", "", html)
    assert not re.search(r"https?:|//\w|@import|url\(", rest)


def test_every_case_and_the_front_say_research_use(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    for case_id in ("case-1", "case-2"):
        example.recorded(workspace, example.case(case_id))
    html = report_of(workspace, tmp_path / "out", example)
    body = html.split("<body>")[1]
    assert all(RESEARCH_USE in part for part in body.split("<article"))
    assert f'content: "{RESEARCH_USE}"' in html  # on every printed page


def test_a_withheld_number_is_not_shown(workspace: Engine, example: Any, tmp_path: Path) -> None:
    case = example.case()
    assessment = example.assessment(case)
    hidden = tuple(
        replace(s, probability=0.7654, withheld_because="No image.") if s.withheld_because else s
        for s in assessment.suggestions
    )
    with writing(workspace) as connection:
        record_assessment(connection, case, replace(assessment, suggestions=hidden), "system")
    text = Page(report_of(workspace, tmp_path / "out", example)).text
    assert "withheld: No image." in text
    assert "77%" not in text


def test_a_case_without_image_or_measurements_has_a_page_too(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    case = Case("bare", "p", None, {})
    assessment = replace(example.assessment(case), explanations=(), used=(), missing=("image",))
    with writing(workspace) as connection:
        record_assessment(connection, case, assessment, "system")
    text = Page(report_of(workspace, tmp_path / "out", example)).text
    for words in ("No image.", "No measurements.", "No coded history.", "No notes."):
        assert words in text


def test_an_empty_workspace_has_a_report(workspace: Engine, example: Any, tmp_path: Path) -> None:
    assert "No case has been assessed." in report_of(workspace, tmp_path / "out", example)


# Pictures


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_the_window_is_the_linear_function_of_dicom() -> None:
    # PS3.3 C.11.2.1.2.1, example: centre 2048, width 4096 maps 0 to 0 and 4095 to 255.
    values = np.array([[-5, 0, 2047.5, 4095, 9000]], np.float32)
    assert grey(values, 2048, 4096).tolist() == [[0, 0, 128, 255, 255]]
    assert grey(np.array([[np.nan, np.inf]], np.float32), 50, 100).tolist() == [[0, 255]]


def test_a_window_is_chosen_where_the_image_has_none() -> None:
    ramp = Array(np.linspace(100, 200, 10000, dtype=np.float32).reshape(100, 100))
    centre, width = window_of(ramp)
    assert centre == pytest.approx(150.5, abs=0.1)
    assert width == pytest.approx(99, abs=0.2)
    assert window_of(Array(np.full((3, 3), np.nan, np.float32))) == (1.0, 2.0)


def test_the_heat_map_lies_where_its_box_says() -> None:
    case = Case("c", "p", None, {"image": Array(np.zeros((800, 400), np.float32))})
    heat_map = HeatMap("image", ((0.0, 0.0), (0.0, 1.0)), (0.0, -200.0, 800.0, 600.0))
    (picture,) = pictures(case, Explanation("d", "m", {}, (heat_map,), ()))
    assert decoded(picture.uri).size == (180, 360)
    (layer,) = picture.layers
    assert (layer.left, layer.top, layer.width, layer.height) == (-200.0, 0.0, 800.0, 800.0)
    alpha = np.asarray(decoded(layer.uri).getchannel("A"))
    assert alpha[0, 0] == 0
    assert alpha[-1, -1] == alpha.max() == round(0.62 * 255)


# Words


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.0, "<1%"), (0.0099, "<1%"), (0.01, "1%"), (0.834, "83%"), (0.99, "99%"), (1.0, ">99%")],
)
def test_probabilities_never_claim_certainty(probability: float, words: str) -> None:
    assert wording.percent(probability) == words


@pytest.mark.parametrize(
    ("reference", "words"),
    [((3.5, 5.1), "3.5–5.1"), ((None, 5.0), "≤ 5"), ((90.0, None), "≥ 90"), ((None, None), "")],
)
def test_reference_ranges(reference: tuple[float | None, float | None], words: str) -> None:
    assert wording.limits(reference) == words
