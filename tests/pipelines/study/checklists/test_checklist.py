"""Published lists are whole, and an entry is filled only as far as the study knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from finished_study import manifest, metrics

from pipelines.study.checklists.checklist import Checklist, Filled, Item, checklists, fill
from pipelines.study.checklists.facts import FACTS
from pipelines.study.checklists.finished import Finished

LISTS: Mapping[str, Checklist] = {one.name: one for one in checklists()}
STUDY = Finished(metrics(), manifest())


def filled(name: str, study: Finished = STUDY) -> Filled:
    return fill(LISTS[name], study)


def answer(name: str, number: str, study: Finished = STUDY) -> tuple[str, str, str]:
    """Status, text and hint of one entry."""
    found = next(one for one in filled(name, study).answers if one.item.number == number)
    return found.status, found.text, found.hint


def leading(numbers: list[str]) -> list[str]:
    """Items without the letter of their subitems, each once."""
    return list(dict.fromkeys(number.rstrip("abcdefg") for number in numbers))


@pytest.mark.parametrize(
    ("name", "entries", "items"),
    [("TRIPOD+AI", 52, 27), ("CLAIM 2024", 44, 44), ("STARD-AI", 48, 40)],
)
def test_a_list_has_all_that_was_published(name: str, entries: int, items: int) -> None:
    numbers = [item.number for item in LISTS[name].items]
    assert len(set(numbers)) == len(numbers) == entries == LISTS[name].entries
    assert leading(numbers) == [str(n + 1) for n in range(items)]


def test_the_rule_has_its_31_attributes_in_9_paragraphs() -> None:
    numbers = [item.number for item in LISTS["HTI-1 source attributes"].items]
    sizes = {1: 4, 2: 4, 3: 2, 4: 4, 5: 2, 6: 4, 7: 5, 8: 4, 9: 2}
    roman = ("i", "ii", "iii", "iv", "v")
    assert numbers == [f"(B)({n})({r})" for n, size in sizes.items() for r in roman[:size]]
    assert len(numbers) == 31


def test_every_entry_is_answered_by_known_facts_or_left_to_a_person() -> None:
    for item in (item for one in LISTS.values() for item in one.items):
        assert item.asks, item
        assert item.section, item
        assert item.says or item.rest, item
        assert not {*item.says, *item.settles} - set(FACTS), item


def test_every_fact_is_used() -> None:
    from pipelines.study import applied_model_card

    used = {name for one in LISTS.values() for i in one.items for name in (*i.says, *i.settles)}
    used |= {one.caution for one in LISTS.values()}
    source = Path(applied_model_card.__file__).read_text(encoding="utf-8")
    assert [name for name in FACTS if name not in used and name not in source] == []


def test_a_person_is_asked_for_what_no_file_knows() -> None:
    status, text, hint = answer("TRIPOD+AI", "17")
    assert (status, text) == ("to write", "")
    assert hint.startswith("Name the committee")


def test_a_fact_may_be_a_part_of_the_answer() -> None:
    status, text, hint = answer("TRIPOD+AI", "5a")
    assert status == "in part"
    assert text.startswith("Cohort: Clinic of two, made by hand; licence: CC0-1.0;")
    assert hint.startswith("Say why these data")


def test_a_fact_may_be_the_whole_answer() -> None:
    status, text, hint = answer("STARD-AI", "30")
    assert (status, hint) == ("filled", "")
    assert text == (
        "Alerts by outcome: heart failure: 8 true and 3 false alerts, 27 true and 2 false"
        " all-clears."
    )


def test_what_an_older_manifest_does_not_hold_is_left_to_a_person() -> None:
    older = manifest()
    del older["inputs"], older["study"]["settings"]
    study = Finished(metrics(), older)
    assert answer("CLAIM 2024", "25")[0] == "filled"
    assert answer("CLAIM 2024", "25", study) == ("to write", "", "Details of training.")
    assert answer("TRIPOD+AI", "9a", study)[0] == "to write"


def test_without_images_the_imaging_list_says_so() -> None:
    found = metrics()
    found["checks"]["images"] = None
    study = Finished(found, manifest())
    assert filled("CLAIM 2024").caution == ""
    assert filled("CLAIM 2024", study).caution == "No case of this study has an image."
    assert answer("CLAIM 2024", "13")[0] == "to write"
    assert answer("CLAIM 2024", "13", study)[0] == "filled"


def test_the_summary_counts_and_says_what_the_table_lacks() -> None:
    items = (
        Item("1", "Title", "A title", says=("verdict",)),
        Item("2", "Title", "An abstract", says=("verdict",), rest="Write it."),
        Item("3", "Ethics", "Approval", rest="Name the committee."),
    )
    whole = fill(Checklist("L", "all", "me", "doi:1", 3, items), STUDY)
    assert whole.summary == "Filled 1 of 3, 1 in part, 1 for a person to write."
    short = fill(Checklist("L", "all", "me", "doi:1", 9, items), STUDY)
    assert short.summary.endswith("The published list has 9; 6 are not in our table.")
