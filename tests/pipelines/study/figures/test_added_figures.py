"""Missing inputs, stress, learning curve and examples: values lie where they should."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from study_metrics import about, examples, group, learning_curve, metrics, stress

from pipelines.reports.figures.axes import LEFT, PLOT
from pipelines.reports.figures.figure import Figure
from pipelines.study.all_figures import stresses
from pipelines.study.figures import heat_map as heat
from pipelines.study.figures.example_cases import example_cases
from pipelines.study.figures.heat_map import heat_map
from pipelines.study.figures.learning import learning
from pipelines.study.figures.stress import stress as stress_curves


def patterns(*rows: tuple[str, str, float | None, int]) -> list[dict[str, Any]]:
    """Label, inputs, AUROC and cases of every group."""
    return [
        {
            **group(label, "inputs", name),
            "auroc": {**about(0.8), "value": area},
            "cases": cases,
        }
        for label, name, area, cases in rows
    ]


def learnt(because: str = "") -> Figure:
    found = learning_curve(because)
    return learning(found["points"], found["sizes"], found["fit"])


def drawn() -> dict[str, Figure]:
    lines = stresses({"stress": stress()})
    return {
        "heat map": heat_map(["a & b"], patterns(("a & b", "image", 0.7, 90))),
        "stress": stress_curves("a & b", "modality", lines[("modality", "image")]),
        "learning curve": learnt(),
        "examples": example_cases("a & b", examples("a & b")),
    }


def texts(figure: Figure) -> list[str]:
    return re.findall(r"<text [^>]*>([^<]*)</text>", figure.svg)


@pytest.mark.parametrize("kind", ["heat map", "stress", "learning curve", "examples"])
def test_a_figure_is_well_formed_loads_nothing_and_lies_within_its_edges(kind: str) -> None:
    figure = drawn()[kind]
    root = ElementTree.fromstring(figure.svg)
    assert figure.words
    assert not [w for w in ("<script", "<style", "href", "url(", " id=") if w in figure.svg]
    for part in root.iter():
        x, y = (float(part.get(side) or part.get(f"c{side}") or 0) for side in ("x", "y"))
        assert 0 <= x <= figure.width
        assert 0 <= y <= figure.height


def test_columns_of_the_heat_map_go_by_their_cases() -> None:
    figure = heat_map(["x"], patterns(("x", "image", 0.61, 50), ("x", "history+image", 0.72, 80)))
    figures = texts(figure)
    assert figures.index("80") < figures.index("0.72") < figures.index("50")
    assert figures.index("0.72") < figures.index("0.61")
    assert heat.MACRO not in figures


def test_the_mean_is_of_all_labels_or_there_is_none() -> None:
    rows = [("x", "image", 0.6, 50), ("y", "image", 0.8, 50), ("x", "notes", 0.9, 40)]
    figure = heat_map(["x", "y"], patterns(*rows))
    assert "0.70" in texts(figure)
    assert texts(figure).count("0.90") == 1
    # Grey: "y" of notes, their mean, and the key.
    assert figure.svg.count(heat.GREY) == 3


def test_an_area_below_chance_is_not_drawn_as_good() -> None:
    figure = heat_map(["x"], patterns(("x", "image", 0.41, 50)))
    assert figure.svg.count(heat.BELOW) == 2
    assert "0.41" in texts(figure)


def test_many_patterns_go_below_each_other() -> None:
    rows = [("x", f"input{n:02d}", 0.7, 100 - n) for n in range(heat.ACROSS + 1)]
    assert texts(heat_map(["x"], patterns(*rows))).count("cases") == 2


def test_our_own_method_comes_first_in_stress_curves() -> None:
    found = stresses({"stress": stress()})
    assert list(found) == [("modality", "image"), ("items", "history")]
    assert next(iter(found[("items", "history")])) == "triptych"


def test_stress_says_who_loses_what() -> None:
    lines = stresses({"stress": stress()})[("items", "history")]
    whole = stress_curves("history", "modality", lines)
    items = stress_curves("history", "items", lines)
    assert {"Cases without history", "share of cases that lose it"} <= set(texts(whole))
    assert "share of its items that each case loses" in texts(items)
    assert "Fewer history" in texts(items)


def test_a_point_without_a_figure_is_left_out_of_its_curve() -> None:
    points = [{"share": s, "auroc": about(0.8)} for s in (0, 0.5)]
    points.append({"share": 1, "auroc": dict.fromkeys(about(0.8))})
    assert stress_curves("image", "modality", {"triptych": points}).svg.count("<circle") == 2


def test_the_fit_goes_on_to_twice_the_patients() -> None:
    figure = learnt()
    assert "twice as many: +0.021 [+0.011, +0.031]" in texts(figure)
    # 1,600 of an axis to 2,000.
    end = f'cx="{LEFT + PLOT * 1600 / 2000:.1f}"'
    assert figure.svg.count(end) == 1
    assert figure.svg.count("<circle") == 4 + 4 + 1


def test_without_a_fit_only_what_was_measured_is_drawn() -> None:
    figure = learnt("3 sizes, 4 are needed")
    assert not [text for text in texts(figure) if "twice" in text or "fitted" in text]
    assert figure.svg.count("<circle") == 8
    assert "800" in texts(figure)


def test_a_training_without_a_figure_is_left_out() -> None:
    found = learning_curve()
    found["points"][0]["auroc"] = None
    figure = learning(found["points"], found["sizes"], found["fit"])
    assert figure.svg.count("<circle") == 3 + 4 + 1


def test_an_input_that_a_case_has_not_has_no_mark() -> None:
    one = examples("x")[:1]
    both = [{**one[0], "alone": {"image": 0.4, "history": 0.2}}]
    marks = [example_cases("x", shown).svg.count('stroke="#ffffff"') for shown in (one, both)]
    assert marks == [3, 4]
    assert {"image alone", "history alone"} <= set(texts(example_cases("x", one)))


def test_every_input_of_eight_has_a_mark_of_its_own() -> None:
    alone = {f"input{n}": 0.1 * n for n in range(8)}
    figure = example_cases("x", [{**examples("x")[0], "alone": alone}])
    marks = re.findall(r'd="M[0-9.]+ [0-9.]+(m[^"]+)" fill="([^"]+)" stroke="#ffffff"', figure.svg)
    assert len(marks) == 2 * 8  # in the row and in the legend
    assert len({form for form, _ in marks}) == len({colour for _, colour in marks}) == 8


def test_the_whole_study_draws_from_its_metrics() -> None:
    assert stresses(metrics()) == {}
