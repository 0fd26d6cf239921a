"""Which films make a case, and which belong together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hospital import at, film

from clinical.exchange.assembly_rules import Rules
from clinical.exchange.films_of_cases import no_case, priors, studies
from clinical.exchange.known import Film

OURS = Rules(authority="HOSP")


def names(films: tuple[Film, ...]) -> list[str]:
    return [film.identity.instance.removeprefix("1.2.") for film in films]


def together(*films: Film, rules: Rules = OURS) -> list[list[str]]:
    return sorted(names(study.films) for study in studies(films, rules) if not study.why)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({}, ""),
        ({"modality": "CR", "body_part": "", "described": "THORAX A.P. LIEGEND"}, ""),
        ({"body_part": "", "described": "LUNGE"}, ""),
        ({"modality": "CT"}, "its modality is CT"),
        ({"modality": ""}, "its modality is not stated"),
        ({"body_part": "KNEE", "described": "KNEE AP"}, "another part of the body"),
        ({"body_part": "", "described": ""}, "does not say which part"),
        ({"intent": "FOR PROCESSING"}, "for processing"),
        ({"number": " "}, "names no patient"),
    ],
)
def test_a_chest_film_for_reading_makes_a_case(header: dict[str, str], why: str) -> None:
    found = no_case(film(**header), OURS)  # type: ignore[arg-type]
    assert (why in found) if why else found == ""


def test_a_rule_takes_films_that_say_no_region() -> None:
    silent = film(body_part="", described="")
    assert no_case(silent, replace(OURS, region_unstated=True)) == ""


def test_views_of_one_study_are_one_case_and_a_later_exposure_is_another() -> None:
    pa, lateral, control = film("pa"), film("lat", taken=4), film("control", taken=90)
    assert together(pa, lateral, control) == [["control"], ["pa", "lat"]]
    assert together(lateral, control, pa) == [["control"], ["pa", "lat"]]


def test_two_studies_of_a_day_are_two_cases() -> None:
    assert together(film("a"), film("b", taken=10, study="study-2")) == [["a"], ["b"]]


def test_one_order_may_be_one_case() -> None:
    two = film("a", accession="A7"), film("b", taken=1, study="study-2", accession="A7")
    assert together(*two, rules=replace(OURS, one_case="accession")) == [["a", "b"]]


def test_films_of_two_patients_are_never_together() -> None:
    assert together(film("a"), film("b", number="1002")) == [["a"], ["b"]]
    assert together(film("a"), film("b", issuer="NORTH")) == [["a"], ["b"]]


def test_the_name_of_a_case_does_not_hang_on_which_view_came_first() -> None:
    pa, lateral = film("pa"), film("lat", taken=-1, arrived=8)
    (alone,), (both,) = studies([pa], OURS), studies([pa, lateral], OURS)
    assert alone.key == both.key
    assert names(both.films) == ["lat", "pa"]


def test_a_film_that_is_sent_again_counts_as_it_was_sent_last() -> None:
    first, again = film("a"), film("a", arrived=30, accession="A7")
    (study,) = studies([first, again], OURS)
    assert study.films == (again,)
    assert study.opened == first.arrived
    much_later = film("a", arrived=9000, accession="A8")
    (study,) = studies([first, much_later], OURS)
    assert study.films == (first,)


def test_a_film_that_is_sent_again_as_another_patients_is_his() -> None:
    wrong, right = film("a"), film("a", arrived=30, number="1002")
    left, taken = sorted(studies([wrong, right], OURS), key=lambda study: not study.why)
    assert "as that of another patient" in left.why
    assert taken.films == (right,)
    assert studies([wrong], OURS)[0].key == left.key


def test_a_film_that_says_only_its_day_is_of_when_it_arrived_on_that_day() -> None:
    day = film(latest="2024-03-01", acquired="2024-03-01", arrived=5)
    (study,) = studies([day], OURS)
    assert study.moments[day.digest] == at(5)
    (older,) = studies([replace(day, arrived=at(3000))], OURS)
    assert older.why


def test_the_latest_frontal_film_of_before_stands_beside() -> None:
    now = film("now")
    earlier = [
        film("old", taken=-9000, study="1"),
        film("newer", taken=-5000, study="2"),
        film("side", taken=-4000, study="3", view="LL"),
        film("ancient", taken=-800 * 24 * 60, study="4"),
        film("after", taken=70, study="5"),
    ]
    (study,) = [s for s in studies([now, *earlier], OURS) if names(s.films) == ["now"]]
    assert names(priors(study, [now, *earlier], OURS)) == ["newer"]
    three = replace(OURS, prior_films=3)
    assert names(priors(study, [now, *earlier], three)) == ["newer", "old", "side"]
