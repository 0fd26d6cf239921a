"""The study page: a finished study's verdict, figures, groups, and its cases right and wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.access import presence
from ui.panels import frame, picklist
from ui.state import address, state, studies
from ui.state.studies import KINDS, OURS, Example, Kind
from ui.words import phrasing
from ui.words.markup import Markup, chip, joined, photograph, picture, table, tag

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

CHOSEN = "triptych_study"
WIDE = 600  # px; a wider figure, and one of unknown width, takes two places of the grid
EACH = 4  # cases of a kind in the gallery
KIND_WORDS: dict[Kind, str] = {
    "found": "Right: positive, and an alert",
    "missed": "Wrong: positive, and no alert",
    "false alarm": "Wrong: negative, and an alert",
}
NO_FOLDER = (
    "No folder of studies was given when this page was started. Start it with `triptych serve"
    " --studies DIR`, where DIR holds the results of `triptych study run`."
)


def render(case_page: Page) -> None:
    """Show one finished study; a case of it that the workspace holds opens on `case_page`."""
    root = st.secrets.get("studies")
    found = studies.folders(Path(root)) if root else []
    if not found:
        frame.masthead("Study")
        st.info(NO_FOLDER if not root else "The studies folder holds no finished study.")
        return
    # Before its widget, because the masthead stands above it and has to stay in view.
    kept = st.session_state.get(CHOSEN)
    folder = kept if kept in found else found[0]
    metrics = studies.metrics(folder)
    facts = metrics["study"]
    frame.masthead("Study", facts["name"], f"{facts['cases']} cases", _tested(facts))
    if len(found) > 1:
        _choose(found)
    if state.requested():
        st.switch_page(case_page, query_params=address.wanted())
    st.html(verdict(metrics))
    label = st.segmented_control(
        "Diagnosis",
        list(metrics["labels"]),
        default=next(iter(metrics["labels"])),
        required=True,
        format_func=phrasing.named,
        key=f"study-label-{folder.name}",
    )
    _figures(folder, studies.label_figures(folder, label))
    _tables(metrics, label)
    _gallery(folder, label)
    st.html(frame.panel_title("Whole study", "flow, missing inputs, stress, learning"))
    _figures(folder, [studies.FLOW, *studies.general_figures(folder)])


def _choose(found: list[Path]) -> None:
    st.selectbox("Study", found, format_func=lambda folder: folder.name, key=CHOSEN, width=420)


def _tested(facts: Mapping[str, Any]) -> str:
    return f"{facts['patients']} patients, split by {facts['split']}"


def verdict(metrics: Mapping[str, Any]) -> Markup:
    """The first sentence of the study, its reasons, and what fired."""
    said = metrics["verdict"]
    fired = [g["sentence"] for g in metrics.get("guards") or () if g.get("fires")]
    kind = "good" if said["worth_it"] else "care"
    lists = [tag("ul", joined(tag("li", reason) for reason in said["reasons"]))]
    if fired:
        lists.append(tag("p", tag("b", f"{len(fired)} guards fired: look into these first.")))
        lists.append(tag("ul", joined(tag("li", sentence) for sentence in fired)))
    return tag(
        "section",
        tag("p", tag("b", said["sentence"]), class_="said"),
        tag("details", tag("summary", "Reasons and guards"), *lists),
        class_=f"verdict {kind}",
        aria_label="Verdict",
    )


def _figures(folder: Path, names: Iterable[str]) -> None:
    pictures = [
        tag(
            "figure",
            picture(figure.svg, figure.words, class_="figure"),
            tag("figcaption", figure.words),
            class_="wide" if figure.width is None or figure.width > WIDE else None,
        )
        for name in names
        if (figure := studies.figure(folder, name))
    ]
    if pictures:
        st.html(tag("div", *pictures, class_="figures"))


def _tables(metrics: Mapping[str, Any], label: str) -> None:
    left, right = st.columns([46, 54], gap="small")
    with left:
        st.html(frame.panel_title("Discrimination", "95% intervals over patients"))
        st.html(discrimination(metrics, label))
        st.html(operating_point(metrics["labels"][label].get("operating_point")))
    with right:
        st.html(frame.panel_title("Groups", "they differ in case mix"))
        st.html(groups(metrics, label))


def discrimination(metrics: Mapping[str, Any], label: str) -> Markup:
    """Every method by AUROC, the model first."""
    methods = metrics["labels"][label]["methods"]
    rest = sorted(
        (name for name in methods if name != OURS),
        key=lambda name: -((methods[name].get("auroc") or {}).get("value") or 0.0),
    )
    rows = [
        tag(
            "tr",
            tag("th", "Triptych, all inputs" if name == OURS else name, scope="row"),
            _estimate(methods[name].get("auroc")),
            _estimate(methods[name].get("average_precision")),
            class_="ours" if name == OURS else None,
        )
        for name in (OURS, *rest)
        if name in methods
    ]
    return table(("Method", "AUROC", "Average precision"), rows, "study", "Discrimination")


def operating_point(point: Mapping[str, Any] | None) -> Markup:
    """What happens at the threshold that validation patients chose."""
    if not point:
        return tag("p", "No operating point was chosen.", class_="empty")
    names = {"sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV", "npv": "NPV"}
    rows = [
        tag("tr", tag("th", words, scope="row"), _estimate(point.get(name)))
        for name, words in names.items()
    ]
    rule = (point.get("threshold") or {}).get("rule", "")
    note = tag("p", f"Threshold: {rule}.", class_="quiet") if rule else ""
    return joined([table(("At the operating point", ""), rows, "study", "Operating point"), note])


def groups(metrics: Mapping[str, Any], label: str) -> Markup:
    """Groups that were large enough to judge; of the others, how many there are."""
    found = metrics.get("subgroups") or {}
    rows = [
        tag(
            "tr",
            tag("th", f"{group['column']}: {group['name']}", scope="row"),
            tag("td", group["patients"], class_="number"),
            tag("td", group["positives"], class_="number"),
            _estimate(group.get("auroc")),
            _estimate(group.get("true_positive_rate")),
            _estimate(group.get("false_positive_rate")),
        )
        for group in found.get("groups", ())
        if group["label"] == label
    ]
    suppressed = sum((metrics.get("suppressed") or {}).values())
    note = tag("p", f"Groups too small to show, of all labels: {suppressed}", class_="quiet")
    if not rows:
        return joined([tag("p", "No group was judged for this label.", class_="empty"), note])
    head = ("Group", "Patients", "Positive", "AUROC", "True positives", "False positives")
    return joined([table(head, rows, "study", "Groups"), note if suppressed else ""])


def _estimate(found: Mapping[str, Any] | None) -> Markup:
    if not found or found.get("value") is None:
        return tag("td", "–", class_="number")
    low, high = found.get("low"), found.get("high")
    interval = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
    return tag("td", f"{found['value']:.3f}", tag("small", interval), class_="number")


def _gallery(folder: Path, label: str) -> None:
    detail = "extremes of the first repeat, not typical cases"
    st.html(frame.panel_title(f"Cases right and wrong: {phrasing.named(label)}", detail))
    if not presence.can("read_cases"):
        st.html(tag("p", "This account may not see individual cases.", class_="empty"))
        return
    shown = studies.examples(folder, label, EACH)
    here = {row.entry.case_id for row in state.rows()}
    held = {one.case_id: state.thumbnail(one.case_id) for one in shown if one.case_id in here}
    picklist.show(
        gallery(shown, held),
        key="gallery",
        subject="gallery",
        on_pick=state.open_case,
    )


def gallery(shown: Iterable[Example], held: Mapping[str, str]) -> Markup:
    """Cases by kind; those in `held` answer a click and Enter with their case.

    Args:
        shown: examples.
        held: case of the workspace to its small picture, "" for none.
    """
    examples = list(shown)
    parts = []
    for kind in KINDS:
        cards = [_card(example, held.get(example.case_id)) for example in examples]
        own = [card for card, example in zip(cards, examples, strict=True) if example.kind == kind]
        body = tag("div", *own, class_="row") if own else tag("p", "None.", class_="empty")
        parts.append(tag("section", tag("h3", KIND_WORDS[kind]), body, class_=kind.split()[0]))
    return tag("div", *parts, class_="gallery")


def _card(example: Example, image: str | None) -> Markup:
    """One case; `image` is None where the workspace does not hold it."""
    held = image is not None
    alone = joined(
        tag("li", f"{name} alone ", tag("b", phrasing.percent(p)))
        for name, p in sorted(example.alone.items(), key=lambda pair: -pair[1])
    )
    return tag(
        "div",
        tag("div", tag("b", example.case_id), chip("open ›") if held else "", class_="top"),
        photograph(image, "", "thumbnail") if image else "",
        tag("div", phrasing.percent(example.probability), class_="number"),
        tag("ul", alone),
        "" if held else tag("small", "not in this workspace"),
        class_="example",
        data_pick=example.case_id if held else None,
        tabindex=0 if held else None,
        role="link" if held else None,
    )
