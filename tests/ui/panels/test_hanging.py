"""What is offered to stand beside the film: what the case has, and nothing else."""

from __future__ import annotations

import film_first_fixture
import reading_fixture

from clinical.case.case import Case
from ui.panels import hanging


def offered(case: Case) -> list[str]:
    return [label for _, label, _ in hanging.hanging(case).options]


def test_a_case_that_has_everything_offers_everything() -> None:
    case = film_first_fixture.everything()
    assert offered(case) == ["Film", "+ Prior", "+ Labs", "+ ECG"]
    assert hanging.hanging(case).usual == "labs"


def test_story_alone_is_offered_as_such() -> None:
    assert offered(reading_fixture.make_case(1, drop=("measurements",))) == ["Film", "+ Story"]


def test_a_film_alone_has_nothing_beside_it() -> None:
    case = reading_fixture.make_case(1, drop=("measurements", "history", "notes"))
    assert offered(case) == ["Film"]
    assert hanging.hanging(case).usual == "film"


def test_without_a_film_there_is_nothing_to_choose() -> None:
    assert offered(reading_fixture.make_case(1, drop=("image",))) == []
