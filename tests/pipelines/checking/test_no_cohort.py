"""Folders that are no cohort yet: tables under other names, resources, images."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from clinical.export.glyphs import REGULAR
from clinical.modalities.radiograph import burnt_text
from pipelines.checking.check import check
from pipelines.checking.folder_cohort import Options
from pipelines.checking.found import CheckFound

Look = Callable[[Mapping[str, str]], CheckFound]

ITEMS = """
    row_id,itemid,label,loinc_code
    1,501,Sodium,2951-2
    2,502,Lymphocytes,731-0
    3,503,Casts,24124-0
    4,504,Potassium,2823-3
"""


def events(*rows: tuple[str, str, str]) -> str:
    lines = [
        f"{n},{n % 3},{item},2164-09-24 20:{n % 60:02d}:00,{value},{unit}"
        for n, (item, value, unit) in enumerate(rows)
    ]
    return "\n".join(["row_id,subject_id,itemid,charttime,value,valueuom", *lines])


def test_a_table_of_codes_explains_another_one(look: Look) -> None:
    sodium = [("501", str(130 + n), "mEq/L") for n in range(12)]
    cells = [("502", str(10 + n), "%") for n in range(9)]
    found = look(
        {
            "d_items.csv": ITEMS,
            "events.csv.gz": events(*sodium, *cells, *[("503", "3", "")] * 6),
        }
    )
    by_code = {one.written: one for one in found.measurements.known}
    assert by_code["501"].label == "Sodium"
    assert (by_code["501"].code, by_code["501"].used, by_code["501"].unit) == (
        "2951-2",
        12,
        "mmol/L",
    )
    assert '"501" = "2951-2"    # Sodium, 12 values; Sodium' in found.proposal
    # The dictionary has the code of a count, the values are shares: the user decides.
    assert any(line.startswith('# "502" = "731-0"') for line in found.proposal)
    assert any(line.startswith('# "502" = "736-9"') for line in found.proposal)
    said = [one.text for one in found.to_decide if "502 Lymphocytes" in one.place]
    assert said == [
        "The dictionary says 731-0 Lymphocytes (absolute), and the unit % says 736-9 Lymphocytes"
        " (share of leukocytes)."
    ]
    assert [one.written for one in found.measurements.unknown] == ["503"]
    assert {table.file: table.role for table in found.tables} == {
        "d_items.csv": "dictionary",
        "events.csv.gz": "measurements",
    }


def test_a_label_is_a_question_where_its_code_is_not_known(look: Look) -> None:
    """MIMIC-III gives its neutrophils in per cent a code of segmented ones that is out of use."""
    items = "row_id,itemid,label,fluid,loinc_code\n" + "\n".join(
        [
            "1,501,Neutrophils,Blood,761-7",
            "2,502,Neutrophils,Ascites,26520-7",
            "3,503,Neutrophils,Ascites,761-7",
            "4,504,Polys,Blood,31160-5",
            "5,505,Sodium,Blood,2951-2",
        ]
    )
    rows = [(item, str(60 + n), "%") for item in ("501", "502", "503", "504") for n in range(5)]
    found = look({"d_items.csv": items, "events.csv": events(*rows)})
    assert found.proposal[-2:] == (
        "[codes]",
        '# "501" = "770-8"    # Neutrophils, 5 values; if it is Neutrophils (share of leukocytes)',
    )


def test_columns_that_are_measurements_have_no_unit(look: Look) -> None:
    rows = "\n".join(f"{n},{120 + n},{90 + n},-1" for n in range(10))
    more = "\n".join(f"{n},{n},{n},{n}" for n in (140, 141, 142))
    found = look({"admission.csv": f"stay_id,sodium,glucose,Score\n{rows}\n{more}"})
    (table,) = found.tables
    assert (table.role, table.wide) == ("measurements", ("sodium", "glucose"))
    decide = {one.place: one.text for one in found.to_decide}
    assert "Cells are -1, beyond all others" in str([one.text for one in found.to_decide])
    assert decide["admission.csv"].startswith(
        "Values have no unit, and are not used: glucose (usual in mg/dL), sodium (usual in mmol/L)"
    )


def test_codes_are_read_in_the_system_that_their_column_names(look: Look) -> None:
    found = look({"diagnoses.csv": "hadm_id,icd9_code\n1,4280\n2,V4501\n3,4280\n"})
    (codes,) = found.codes
    assert [(one.text, one.count) for one in codes.systems] == [("ICD-9-CM", 3)]
    assert codes.commonest.counts[0].text == "ICD-9-CM:428.0"


def test_several_codes_in_a_cell_are_decided_on(look: Look) -> None:
    found = look({"diagnoses.csv": 'stay_id,icd\n1,"428.0, I50.9"\n2,I10\n'})
    assert "Cells hold several codes, which are read as one that nobody knows." in [
        one.text for one in found.to_decide
    ]


def test_observations_of_fhir_are_measurements(look: Look) -> None:
    def observation(code: str, value: float, unit: str) -> str:
        return json.dumps(
            {
                "resourceType": "Observation",
                "subject": {"reference": "Patient/secret"},
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "valueQuantity": {"value": value, "code": unit},
            }
        )

    found = look(
        {
            "a.json": observation("2951-2", 140, "mmol/L"),
            "b.json": observation("99999-9", 1, "mg"),
            "c.json": json.dumps({"resourceType": "Patient", "id": "secret"}),
            "d.json": "{}",
        }
    )
    assert [(one.text, one.count) for one in found.resources.kinds] == [
        ("Observation", 2),
        ("Patient", 1),
    ]
    assert (found.resources.broken, found.resources.patients) == (1, 1)
    assert [one.name for one in found.measurements.known] == ["Sodium"]
    assert [one.written for one in found.measurements.unknown] == ["99999-9"]


def test_images_are_counted_by_what_they_are(tmp_path: Path) -> None:
    for folder in ("NORMAL", "PNEUMONIA"):
        (tmp_path / folder).mkdir()
        for n in range(3):
            grey = Image.new("L", (64, 48), 10 * n + (0 if folder == "NORMAL" or n == 0 else 5))
            grey.putpixel((0, 0), 255)
            grey.save(tmp_path / folder / f"{folder}-{n}.png")
    Image.new("RGB", (64, 48), "red").save(tmp_path / "NORMAL" / "colour.png")
    (tmp_path / "NORMAL" / "no-ending").write_bytes(
        (tmp_path / "NORMAL" / "NORMAL-1.png").read_bytes()
    )
    found = check(tmp_path, "", Options(images=100))
    told = {
        name: {one.text: one.count for one in shown.counts}
        for name, shown in found.images.traits.items()
    }
    assert found.images.files == 8
    assert found.images.read == 7
    assert told["size"] == {"48 x 64": 8}
    assert [(one.text, one.count) for one in found.images.refused] == [
        ("The image has colour in 100% of its pixels.", 1)
    ]
    # NORMAL-0 and PNEUMONIA-0 are one film under two labels; no-ending is a copy beside its film.
    assert (found.images.same_file, found.images.other_folder) == (2, 2)
    assert "lies in several folders" in str([one.text for one in found.to_decide])


@pytest.mark.skipif(
    any(find_spec(name) is None for name in burnt_text.PACKAGES),
    reason="the extra ocr is not installed",
)
def test_a_name_on_a_film_is_something_to_decide(tmp_path: Path) -> None:
    """In two processes, as `--jobs 2` does it."""
    font = ImageFont.truetype(str(REGULAR), 22)
    for name, text in (("a", "R"), ("b", "ROBERTSON JANE 1961"), ("c", "")):
        film = Image.linear_gradient("L").resize((480, 480))
        ImageDraw.Draw(film).text((20, 200), text, fill=250, font=font)
        film.save(tmp_path / f"{name}.png")
    found = check(tmp_path, "", Options(text=True, jobs=2))
    told = {one.text: one.count for one in found.images.traits["text in the pixels"].counts}
    assert told["more than side markers"] == 1
    assert sum(told.values()) == 3
    (asked,) = (one for one in found.to_decide if "burnt into the pixels" in one.text)
    assert (asked.level, asked.count) == ("decide", 1)
    assert "ROBERTSON" not in repr(found)


def test_headers_are_looked_at_where_pixels_are_not(tmp_path: Path) -> None:
    for n in range(10):
        Image.new("L", (64, 48), n).save(tmp_path / f"{n}.png")
    found = check(tmp_path, "", Options(images=3))
    assert (found.images.files, found.images.read) == (10, 3)
    assert found.images.traits["size"].counts[0].count == 10


@pytest.mark.parametrize("rows", [1, 4])
def test_a_rare_name_is_not_printed(look: Look, rows: int) -> None:
    told = [("Sodium", "140", "mmol/L")] * 6 + [("Frau Meier, Zimmer 12", "5", "")] * rows
    lines = "\n".join(
        f"{n},{name!r},{value},{unit}".replace("'", '"')
        for n, (name, value, unit) in enumerate(told)
    )
    found = look({"labs.csv": f"case_id,name,value,unit\n{lines}"})
    assert found.measurements.hidden_names == 1
    assert found.measurements.hidden_values == rows
    assert "Meier" not in repr(found)
