"""Where a point of the image is on the canvas, and what a measurement says: the viewer's own
modules, in node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

VIEWER = Path(__file__).parents[2] / "ui" / "viewer"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


def run(tmp_path: Path, code: str) -> Any:
    """What `code` gives, with all that geometry.js, view.js and measure.js export at hand."""
    names = ("geometry", "view", "measure", "keys")
    for name in names:
        source = (VIEWER / f"{name}.js").read_text(encoding="utf-8")
        (tmp_path / f"{name}.mjs").write_text(source.replace('.js"', '.mjs"'), encoding="utf-8")
    imports = "".join(f'import * as {name} from "./{name}.mjs";\n' for name in names)
    shown = f"console.log(JSON.stringify((() => {{ {code} }})()));\n"
    (tmp_path / "run.mjs").write_text(imports + shown, encoding="utf-8")
    done = subprocess.run(
        [str(NODE), "run.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
    )
    return json.loads(done.stdout)


def test_points_come_back_from_the_canvas_whichever_way_the_image_is_turned(
    tmp_path: Path,
) -> None:
    worst = run(
        tmp_path,
        """
        const { UPRIGHT, TURNS, turned, toCanvas, toImage } = geometry;
        const turns = [UPRIGHT];
        for (const first of Object.values(TURNS))
          for (const second of Object.values(TURNS)) turns.push(turned(first, second));
        return Math.max(...turns.map((turn) => {
          const view = { x: 13.5, y: -40, scale: 1.7, aspect: 2.5, turn };
          const [column, row] = toImage(view, toCanvas(view, [10.25, 77]));
          return Math.abs(column - 10.25) + Math.abs(row - 77);
        }));
        """,
    )
    assert worst < 1e-9


def test_turning_right_takes_the_top_to_the_right_and_four_times_is_nothing(
    tmp_path: Path,
) -> None:
    once, four, across = run(
        tmp_path,
        """
        const { UPRIGHT, TURNS, turned, toCanvas } = geometry;
        const seen = (turn) => toCanvas({ x: 0, y: 0, scale: 1, aspect: 1, turn }, [0, -1]);
        let turn = UPRIGHT;
        for (let i = 0; i < 4; i++) turn = turned(turn, TURNS.rotateRight);
        const mirrored = { x: 0, y: 0, scale: 1, aspect: 1, turn: TURNS.flipAcross };
        const flipped = toCanvas(mirrored, [3, 4]);
        return [seen(TURNS.rotateRight), turn, flipped];
        """,
    )
    assert once == [1, 0]
    assert four == [1, 0, 0, 1]
    assert across == [-3, 4]


@pytest.mark.parametrize("turn", ["rotateRight", "rotateLeft", "flipAcross", "flipDown"])
def test_fit_shows_the_whole_turned_image_in_the_middle(tmp_path: Path, turn: str) -> None:
    low, high = run(
        tmp_path,
        f"""
        const canvas = {{ width: 500, height: 300 }}, frame = {{ columns: 200, rows: 100 }};
        const made = view.newView({{}}, {{}}, 1);
        view.fit(made, canvas, frame);
        view.turnView(made, canvas, frame, geometry.TURNS.{turn});
        const corners = [[0, 0], [200, 100]].map((point) => geometry.toCanvas(made, point));
        const pick = (choose) => [0, 1].map((i) => choose(corners[0][i], corners[1][i]));
        return [pick(Math.min), pick(Math.max)];
        """,
    )
    expected = ([175, 0], [325, 300]) if turn.startswith("rotate") else ([0, 25], [500, 275])
    assert (low, high) == expected


def test_the_middle_of_the_canvas_stays_when_a_zoomed_image_is_turned(tmp_path: Path) -> None:
    before, after = run(
        tmp_path,
        """
        const canvas = { width: 500, height: 300 }, frame = { columns: 200, rows: 100 };
        const made = view.newView({}, {}, 1);
        view.fit(made, canvas, frame);
        view.zoomAbout(made, 3, 10, 250);
        const before = geometry.toImage(made, [250, 150]);
        view.turnView(made, canvas, frame, geometry.TURNS.rotateLeft);
        return [before, geometry.toImage(made, [250, 150])];
        """,
    )
    assert after == pytest.approx(before)


def test_lengths_and_areas_know_rows_from_columns(tmp_path: Path) -> None:
    length, area, without = run(
        tmp_path,
        """
        const frame = { spacing: [0.5, 0.2] }, ends = [[10, 10], [25, 18]];
        return [measure.lengthOf(frame, ends), measure.areaOf(frame, ends),
          measure.lengthOf({ spacing: null }, [[0, 0], [3, 4]])];
        """,
    )
    assert length == pytest.approx(5.0)  # 15 columns of 0.2 mm and 8 rows of 0.5 mm
    assert area == pytest.approx(12.0)
    assert without == 5


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ("{ spacing: [1, 1], spacingFrom: 'PixelSpacing' }", "5.0 mm"),
        ("{ spacing: [1, 1], spacingFrom: 'ImagerPixelSpacing' }", "5.0 mm at detector"),
        ("{ spacing: [1, 1], spacingFrom: 'NominalScannedPixelSpacing' }", "5.0 mm on film"),
        ("{ spacing: null, spacingFrom: '' }", "5 px"),
    ],
)
def test_the_unit_says_where_it_holds(tmp_path: Path, frame: str, words: str) -> None:
    code = f"return measure.wordsOf({frame}, {{ kind: 'length', ends: [[0, 0], [3, 4]] }});"
    assert run(tmp_path, code) == [words]


def test_statistics_are_of_the_pixels_whose_middle_is_inside(tmp_path: Path) -> None:
    found, outside = run(
        tmp_path,
        """
        const samples = Uint16Array.from({ length: 2 * 5 * 6 }, (_, i) => i);
        const frame = { rows: 5, columns: 6, samples, slope: 2, intercept: -1 };
        return [measure.statisticsOf(frame, 1, [[3.4, 2.6], [0.6, 0.4]]),
          measure.statisticsOf(frame, 0, [[-9, -9], [-1, -1]])];
        """,
    )
    # Columns 1 and 2 (middles 1.5 and 2.5) and rows 0 to 2, in the second plane.
    values = [2 * (30 + 6 * row + column) - 1 for row in (0, 1, 2) for column in (1, 2)]
    mean = sum(values) / len(values)
    assert found["n"] == len(values)
    assert found["mean"] == pytest.approx(mean)
    assert found["sd"] == pytest.approx((sum((v - mean) ** 2 for v in values) / 6) ** 0.5)
    assert (found["min"], found["max"]) == (min(values), max(values))
    assert outside["n"] == 0


def test_ends_corners_and_lines_are_found_under_the_pointer(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        """
        const at = { x: 100, y: 0, scale: 2, aspect: 1, turn: geometry.TURNS.rotateRight };
        const box = { kind: "rectangle", ends: [[0, 0], [20, 10]] };
        const under = (point) =>
          geometry.partUnder(at, box, geometry.toCanvas(at, point), 5);
        return [under([20, 0]), under([0, 10]), under([10, 0]), under([10, 5])];
        """,
    )
    assert found == [[1, 0], [0, 1], "whole", None]


def test_a_corner_moves_two_sides_of_a_rectangle(tmp_path: Path) -> None:
    code = "return geometry.movePart([[0, 0], [20, 10]], [1, 0], [25, 3]);"
    assert run(tmp_path, code) == [[0, 3], [25, 10]]


def test_every_key_does_one_thing_and_leaves_those_of_the_page_alone(tmp_path: Path) -> None:
    keys, capital = run(
        tmp_path,
        """
        return [keys.KEYS.flatMap(({ on, press }) => [press].flat().map((one) => [on, one])),
          ["I", "L", "l", "5", "c"].map((key) => keys.boundTo(key, "page")?.act ?? null)];
        """,
    )
    assert len({tuple(key) for key in keys}) == len(keys)
    assert not {key.lower() for on, key in keys if on == "page"} & set("craxmjknw")
    assert capital == ["invert", "rotateRight", "rotateLeft", "preset", None]


def test_pixels_that_are_not_square_are_drawn_as_high_and_wide_as_they_are(tmp_path: Path) -> None:
    """100 rows of 0.5 mm and 100 columns of 0.25 mm: 50 mm high and 25 mm wide, turned too."""
    upright, turned, lengths = run(
        tmp_path,
        """
        const { TURNS, toCanvas } = geometry;
        const frame = { rows: 100, columns: 100, spacing: [0.5, 0.25], aspect: 2 };
        const canvas = { width: 400, height: 400 };
        const corners = (by) => {
          const shown = view.newView({}, {}, frame.aspect);
          view.fit(shown, canvas, frame);
          if (by) view.turnView(shown, canvas, frame, by);
          const a = toCanvas(shown, [0, 0]), b = toCanvas(shown, [100, 100]);
          return [Math.abs(b[0] - a[0]), Math.abs(b[1] - a[1])];
        };
        const length = (ends) => measure.lengthOf(frame, ends);
        return [corners(), corners(TURNS.rotateRight),
          [length([[0, 0], [100, 0]]), length([[0, 0], [0, 100]])]];
        """,
    )
    assert upright == [200, 400]
    assert turned == [400, 200]
    assert lengths == [25, 50]
