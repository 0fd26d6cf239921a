"""The PDF of a study: archival, accessible, self-contained, the same bytes again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from printed_file import unpacked
from study_metrics import examples, learning_curve, metrics, stress

from pipelines.reports import pdf
from pipelines.reports.figures.figure import FONTS
from pipelines.study.document import document

NINE = ("pneumonia", "copd", "asthma", "lung_mass", "failure", "effusion", "a", "b", "c")


def full(*labels: str) -> dict[str, object]:
    return {
        **metrics(*labels),
        "stress": stress(),
        "learning_curve": learning_curve(),
        "examples": examples(*labels),
    }


@pytest.fixture(scope="module")
def printed() -> bytes:
    return pdf.printed(document(full("pneumonia")))


def test_it_is_pdf_a_and_pdf_ua(printed: bytes) -> None:
    assert printed.startswith(b"%PDF-1.7")
    inside = unpacked(printed)
    assert b"<pdfaid:part>2</pdfaid:part>" in inside
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in inside
    assert b"<pdfuaid:part>1</pdfuaid:part>" in inside


def test_the_same_metrics_give_the_same_bytes_and_no_time_of_today(printed: bytes) -> None:
    assert pdf.printed(document(full("pneumonia"))) == printed
    dates = re.findall(rb"\(D:(\d{4})", unpacked(printed))
    assert set(dates) == {b"1970"}


def test_all_text_is_in_the_font_that_is_inside(printed: bytes) -> None:
    inside = unpacked(printed)
    names = set(re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([A-Za-z-]+)", inside))
    assert names == {b"LiberationSans", b"LiberationSans-Bold"}


def test_every_figure_names_the_fonts_that_are_replaced() -> None:
    for name, figure in document(full("pneumonia")).pictures.items():
        svg = figure.svg
        assert svg.count("font-family=") == svg.count(f'font-family="{FONTS}"') == 1, name


def test_an_old_study_and_one_of_nine_labels_are_printed_too() -> None:
    assert len(pdf.printed(document(metrics()))) > 10_000
    made = unpacked(pdf.printed(document(full(*NINE))))
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", made)) > 15


@pytest.mark.parametrize("name", ['#panic("no")', "$x_1 *b* `c` <d> @e \\", "医院\x07\t", '"\n&'])
def test_names_are_text_and_never_markup(name: str) -> None:
    found = metrics(name)
    found["study"]["name"] = name
    found["subgroups"]["groups"][0]["name"] = name
    found["subgroups"]["groups"][2]["name"] = name
    assert pdf.printed(document(found)).startswith(b"%PDF")


def test_the_font_comes_with_its_licence() -> None:
    licence = (pdf.FONT_FILES / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert sum(Path(file).stat().st_size for file in pdf.FONT_FILES.iterdir()) < 1_000_000
