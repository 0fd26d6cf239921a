"""The page loads nothing, escapes everything, and shows what is open; JSON says the same."""

from __future__ import annotations

import base64
import hashlib
import json
import re

from finished_study import manifest, metrics

from pipelines.study.checklists.checklist import WRITE
from pipelines.study.checklists.pages import HTML, JSON, files


def page() -> str:
    return files(metrics(), manifest())[HTML].decode()


def test_the_page_loads_nothing_and_its_policy_says_so() -> None:
    html = page()
    styles = re.search(r"<style>(.*)</style>", html, re.DOTALL)
    assert styles
    digest = base64.b64encode(hashlib.sha256(styles[1].encode()).digest()).decode()
    assert "default-src &#39;none&#39;" in html
    assert digest in html
    assert not [
        tag for tag in ("<script", "<img", "<link", "url(", "src=", " style=") if tag in html
    ]
    assert not re.search(r'href="(?!#)', html)


def test_the_notice_stands_on_top_and_the_open_entries_at_the_end() -> None:
    html = page()
    assert html.index("Research use only") < html.index("<h1>")
    assert html.index("HTI-1 source attributes</h2>") < html.index('id="to-do"')
    assert "Name the committee and its decision" in html[html.index('id="to-do"') :]


def test_text_of_the_study_is_escaped() -> None:
    found, made = metrics(), manifest()
    found["study"]["name"] = "<b>bold</b>"
    made["cohort"]["name"] = "<i>cohort</i>"
    html = files(found, made)[HTML].decode()
    assert "<b>bold" not in html
    assert "<i>" not in html
    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    assert "&lt;i&gt;cohort&lt;/i&gt;" in html


def test_json_and_page_agree() -> None:
    found = json.loads(files(metrics(), manifest())[JSON])
    html = page()
    assert found["notice"].startswith("Research use only")
    assert found["metrics_sha256"] == "1" * 64
    for one in found["lists"]:
        states = [item["status"] for item in one["items"]]
        counts = [one["filled"], one["in_part"], one["to_write"]]
        assert counts == [states.count(s) for s in ("filled", "in part", "to write")]
        assert sum(counts) == one["known_entries"] == one["published_entries"]
        assert all(bool(i["text"]) == (i["status"] != "to write") for i in one["items"])
        assert all(
            bool(i["a_person_must_write"]) == (i["status"] != "filled") for i in one["items"]
        )
        assert f"Filled {counts[0]} of {len(states)}, {counts[1]} in part" in html
    to_write = sum(one["to_write"] for one in found["lists"])
    assert html.count(WRITE) == to_write


def test_the_same_study_gives_the_same_bytes() -> None:
    later = manifest()
    later["times"] = {"judge": 77.0}
    assert files(metrics(), manifest()) == files(metrics(), later)
