"""What static/runs.js reads of Streamlit's messages is what Streamlit calls so."""

from __future__ import annotations

import re
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

SCRIPT = Path(__file__).parents[3] / "ui" / "static" / "runs.js"


def test_the_numbers_are_those_of_this_version_of_streamlit() -> None:
    told = dict(re.findall(r"^const ([A-Z_]+) = (\d+);", SCRIPT.read_text("utf-8"), re.MULTILINE))
    assert {name: int(told[name]) for name in ("RERUN", "NEW_SESSION", "FINISHED")} == {
        "RERUN": BackMsg.RERUN_SCRIPT_FIELD_NUMBER,
        "NEW_SESSION": ForwardMsg.NEW_SESSION_FIELD_NUMBER,
        "FINISHED": ForwardMsg.SCRIPT_FINISHED_FIELD_NUMBER,
    }
    assert int(told["FOR_ANOTHER"]) == ForwardMsg.FINISHED_EARLY_FOR_RERUN
