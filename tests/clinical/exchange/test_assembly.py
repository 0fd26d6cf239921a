"""What becomes a case, as tables: the film of noon, and what was known around it.

Minutes are before and after noon, when the film is taken; it arrives two minutes later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import permutations

import pytest
from hospital import at, diagnosis, film, heard, note, number, result

from clinical.exchange.assembly import Draft, LeftOut, Waiting, plans
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.facts import Fact, Merge, PatientIdentifier
from clinical.exchange.known import Film, Heard, Known

OURS = Rules(authority="HOSP")
EVENING = at(600)


def drafts(
    messages: Sequence[Heard],
    films: Sequence[Film] | None = None,
    rules: Rules = OURS,
    now: datetime = EVENING,
) -> list[Draft]:
    known = Known(tuple(messages), tuple(films or (film(),)))
    return [p.outcome for p in plans(known, rules, now) if isinstance(p.outcome, Draft)]


def draft(
    messages: Sequence[Heard] = (),
    films: Sequence[Film] | None = None,
    rules: Rules = OURS,
    now: datetime = EVENING,
) -> Draft:
    (one,) = drafts(messages, films, rules, now)
    return one


@pytest.mark.parametrize(
    ("fact", "used", "decision", "left_out"),
    [
        (result(taken=-60, issued=-30), True, 0, ()),
        (result(taken=-60, issued=None), True, 0, ()),
        (result(taken=0, issued=0), True, 0, ()),
        # Taken before the film and told after it: the decision is when it was told.
        (result(taken=-60, issued=30), True, 30, ()),
        (result(taken=-60, issued=239), True, 239, ()),
        (result(taken=-60, issued=241), False, 0, (("results", "told after the decision", 1),)),
        # Taken after the film: of another moment, whenever it is told.
        (result(taken=1, issued=20), False, 0, (("results", "from after the film", 1),)),
        (
            result(taken=-73 * 60, issued=-70 * 60),
            False,
            0,
            (("results", "older than the rules take", 1),),
        ),
        (result(taken=-71 * 60, issued=-70 * 60), True, 0, ()),
        # A vital sign is of the day.
        (
            result(taken=-25 * 60, code="8867-4"),
            False,
            0,
            (("results", "older than the rules take", 1),),
        ),
        (result(status="cancelled"), False, 0, (("results", "cancelled by their sender", 1),)),
        (diagnosis(recorded=-1000), True, 0, ()),
        (diagnosis(recorded=-1000, onset=at(-9000)), True, 0, ()),
        # What was found after the film may have been found on it.
        (
            diagnosis(recorded=5, onset=at(-9000)),
            False,
            0,
            (("items of history", "from after the film", 1),),
        ),
        (diagnosis(recorded=None, onset=at(-9000)), True, 0, ()),
        (note(written=-20), True, 0, ()),
        (note(written=20), False, 0, (("notes", "from after the film", 1),)),
        (note(written=-31 * 24 * 60), False, 0, (("notes", "older than the rules take", 1),)),
    ],
)
def test_nothing_is_true_after_the_film_or_told_after_the_decision(
    fact: Fact, used: bool, decision: float, left_out: tuple[tuple[str, str, int], ...]
) -> None:
    found = draft([heard(fact)])
    assert bool(found.measurements or found.history or found.notes) == used
    assert (found.cut, found.decision) == (at(0), at(decision))
    assert found.left_out == left_out


def test_history_that_nobody_dates_is_known_from_when_it_arrived() -> None:
    undated = diagnosis(recorded=None)
    assert draft([heard(undated, arrived=-1)]).history == (undated,)
    found = draft([heard(undated, arrived=1)])
    assert found.history == ()
    assert found.left_out == (("items of history", "told after the decision", 1),)


def test_a_rule_keeps_the_decision_where_the_film_is() -> None:
    rules = replace(OURS, told_later="leave out")
    found = draft([heard(result(issued=30), result("k2", issued=-10))], rules=rules)
    assert [fact.identity for fact in found.measurements] == ["k2"]
    assert found.decision == at(0)
    assert found.left_out == (("results", "told after the decision", 1),)


def test_when_the_decision_moves_only_what_was_true_at_the_film_comes_in() -> None:
    report_of_the_film = note("report", written=20, text="Consolidation on the right.")
    found = draft(
        [heard(result(issued=30), result("later", taken=10, issued=20), report_of_the_film)]
    )
    assert found.decision == at(30)
    assert [fact.identity for fact in found.measurements] == ["k"]
    assert found.notes == ()


def test_a_correction_takes_the_place_of_what_it_corrects_from_when_it_was_told() -> None:
    first = result(value="6.9", issued=-30)
    second = result(value="4.1", issued=-5, status="corrected")
    assert draft([heard(first), heard(second)]).measurements == (second,)
    assert draft([heard(second), heard(first, arrived=-1)]).measurements == (second,)
    late = replace(second, issued=at(300))
    assert draft([heard(first), heard(late, arrived=100)]).measurements == (first,)


def test_what_is_cancelled_is_gone_from_when_that_was_told() -> None:
    first, gone = result(issued=-30), result(issued=-5, status="cancelled")
    assert draft([heard(first), heard(gone)]).measurements == ()
    found = draft([heard(first), heard(replace(gone, issued=at(40)))])
    assert (found.measurements, found.decision) == ((), at(40))


def test_a_result_that_is_not_final_can_be_left_out() -> None:
    early = result(status="preliminary")
    assert draft([heard(early)]).measurements == (early,)
    assert draft([heard(early)], rules=replace(OURS, preliminary=False)).measurements == ()


def test_the_order_of_arrival_changes_nothing() -> None:
    said = [
        (result("k", value="6.9"),),
        (result("k", value="4.1", issued=-5, status="corrected"),),
        (result("na", code="2951-2", value="140", issued=50), note()),
        (diagnosis(),),
    ]
    lateral = film("b", taken=3, view="LL")
    found = []
    for order in permutations(range(5)):
        # All of it comes after the first film, so that each order is one of late arrivals.
        messages = [
            heard(*said[one], arrived=10 + place) for place, one in enumerate(order) if one < 4
        ]
        second = replace(lateral, arrived=at(10 + order.index(4)))
        found.append(draft(messages, [film(), second]))
    contents = {(f.measurements, f.history, f.notes, f.decision, f.cut, f.key) for f in found}
    assert len(contents) == 1
    assert [fact.value for fact in found[0].measurements] == ["4.1", "140"]
    assert (found[0].cut, found[0].decision) == (at(3), at(50))


def test_the_same_message_twice_changes_nothing() -> None:
    one = heard(result(), note(), diagnosis())
    again = replace(one, message="sent again", arrived=at(30))
    assert draft([one, again]) == draft([one])


@pytest.mark.parametrize(
    "again",
    [
        result(issued=30),
        result(issued=30, status="corrected"),
        replace(result(issued=30), place="OBX[7]"),
    ],
)
def test_what_is_only_said_again_was_known_when_it_was_said_first(again: Fact) -> None:
    first = heard(result(issued=-30))
    assert draft([first, heard(again, arrived=31)]) == draft([first])


def test_what_is_taken_back_later_is_news() -> None:
    told = (("4.1", -30), ("5.9", -20), ("4.1", -10))
    said = [heard(result(value=value, issued=minute)) for value, minute in told]
    assert draft(said).measurements == (result(value="4.1", issued=-10),)


def test_what_arrives_too_late_is_counted_and_left_out() -> None:
    found = draft([heard(result(), arrived=2 + 241), heard(note(), arrived=2 + 239)])
    assert found.measurements == ()
    assert len(found.notes) == 1
    assert found.left_out == (("results", "arrived too late", 1),)


@pytest.mark.parametrize(
    ("who", "theirs"),
    [
        ((number("1001", "HOSP"),), True),
        ((number("1001", ""),), True),  # the rules say whose it is
        ((number("77", "LAB"), number("1001", "HOSP")), True),
        ((number("1001", "NORTH"),), False),
        ((number("1002", "HOSP"),), False),
        ((), False),
    ],
)
def test_patients_are_matched_by_number_and_authority(
    who: tuple[PatientIdentifier, ...], theirs: bool
) -> None:
    assert bool(draft([heard(result(), who=who)]).measurements) == theirs


def test_without_an_authority_numbers_of_two_senders_are_two_patients() -> None:
    message = heard(result(), who=(number("1001", ""),))
    unstated = film(issuer="")
    assert draft([message], [unstated], rules=Rules()).measurements == ()
    assert draft([message], [unstated], rules=OURS).measurements


def test_a_merge_brings_together_what_goes_by_both_numbers() -> None:
    old = heard(result("old"), who=(number("2002"),))
    merge = heard(who=(), merges=(Merge(number("1001"), number("2002")),), arrived=5)
    earlier = film("prior", taken=-5000, number="2002", study="study-0")
    assert draft([old]).measurements == ()
    now, _ = sorted(drafts([old, merge], [film(), earlier]), key=lambda d: -d.cut.timestamp())
    assert [fact.identity for fact in now.measurements] == ["old"]
    assert now.priors == (earlier,)
    assert now.patient == "1001"


def test_a_merge_that_is_told_too_late_is_of_the_next_case() -> None:
    old = heard(result("old"), who=(number("2002"),))
    merge = heard(who=(), merges=(Merge(number("1001"), number("2002")),), arrived=300)
    assert draft([old, merge]).measurements == ()
    (next_one,) = [d for d in drafts([old, merge], [film("b", taken=310)]) if d.cut == at(310)]
    assert [fact.identity for fact in next_one.measurements] == ["old"]


def test_who_the_patient_is_was_said_last_or_stands_on_the_film() -> None:
    assert (draft().sex, draft().birth_date) == ("F", date(1960, 5, 1))
    said = heard(sex="M", born=date(1961, 1, 1))
    assert (draft([said]).sex, draft([said]).birth_date) == ("M", date(1961, 1, 1))


def outcomes(films: Sequence[Film], now: datetime, rules: Rules = OURS) -> list[object]:
    return [plan.outcome for plan in plans(Known((), tuple(films)), rules, now)]


def test_a_case_waits_for_other_views_and_for_its_decision() -> None:
    patient = replace(OURS, wait_seconds=60)
    (first,) = outcomes([film()], at(2.5), patient)
    assert isinstance(first, Waiting)
    assert first.until == at(3)
    assert isinstance(outcomes([film()], at(3), patient)[0], Draft)
    later = replace(OURS, decision_minutes=30)
    (second,) = outcomes([film()], at(3), later)
    assert isinstance(second, Waiting)
    assert second.until == at(30)
    assert draft(rules=later, now=at(30)).decision == at(30)


def test_a_device_whose_clock_is_a_little_ahead_keeps_nobody_waiting() -> None:
    ahead = film(taken=4, arrived=1)
    assert draft(films=[ahead], now=at(1)).decision == at(4)
    (far,) = outcomes([film(taken=60, arrived=1)], at(1))
    assert isinstance(far, Waiting)
    assert far.until == at(55)


def test_the_decision_may_be_the_arrival() -> None:
    found = draft([heard(result(taken=1, issued=1.5))], rules=replace(OURS, decision="arrival"))
    assert (found.decision, len(found.measurements)) == (at(2), 1)


def test_a_result_that_a_clock_ahead_dates_into_the_future_is_waited_for() -> None:
    known = Known((heard(result(issued=20), arrived=4),), (film(),))
    (plan,) = plans(known, OURS, at(5))
    assert isinstance(plan.outcome, Draft)
    assert (plan.outcome.measurements, plan.again) == ((), at(20))


def test_a_film_of_which_nobody_says_when_makes_no_case() -> None:
    (found,) = outcomes([film(acquired="", latest="")], EVENING)
    assert isinstance(found, LeftOut)
    assert "nobody says at what time" in found.why
