"""The JSON of a check, whole: what programs may rely on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from pipelines.checking.found import CheckFound, to_json

Look = Callable[[Mapping[str, str]], CheckFound]

GOLDEN = Path(__file__).with_name("check.json")

COHORT = {
    "cohort.toml": """
        name = "A small cohort"

        [codes]
        "KREA_X7" = "2160-0"
    """,
    "cases.csv": """
        case_id;patient_id;decision_time;site;sex;age
        c1;p1;2021-03-12T12:00;north;w;61
        c2;p1;2021-06-12T12:00;north;w;61
        c3;p2;2021-03-13T12:00;south;m;48
    """,
    "measurements.csv": """
        case_id;code;value;unit;time
        c1;NT-proBNP;3.500;pg/ml;12.03.2021 08:00
        c1;KREA_X7;1,2;mg/dl;12.03.2021 08:00
        c1;CRP;<5;mg/l;12.03.2021 08:00
        c2;CRP;17;mg/l;12.06.2021 13:00
        c3;CRP;5;mg/l;13.03.2021 08:00
        c3;CRP;500;mg/l;13.03.2021 08:00
    """,
    "history.csv": """
        case_id,code,display,onset
        c1,I509,Heart failure,2019
        c3,local:smoker,Smoker,
    """,
    "notes.csv": """
        case_id,section,text,charttime
        c1,indication,Cough.,2021-03-12T08:00
    """,
    "outcomes.csv": """
        case_id,diagnosis,value,time
        c1,pneumonia,1,2021-03-14
        c2,pneumonia,1,2021-03-14
        c3,pneumonia,0,2021-03-20
    """,
}


def test_the_json_of_a_check(look: Look) -> None:
    found = to_json(look(COHORT))
    found["name"] = "the folder"
    assert json.loads(json.dumps(found)) == json.loads(GOLDEN.read_text(encoding="utf-8"))
