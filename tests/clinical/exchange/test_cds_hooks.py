"""A record system asks, is given a card, and says what was done with it: all of it on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import read_case
from cds_client import ISSUER, PATIENT, Ehr
from markdown_it import MarkdownIt
from sqlalchemy import Engine
from starlette.testclient import TestClient

from clinical.audit import ledger
from clinical.audit.retention import purge
from clinical.audit.verify import verify
from clinical.case.assessment import AuditEvent
from clinical.case.shapes import Array, Arrays
from clinical.exchange import cds_hooks, cds_settings
from clinical.exchange.cds_patient import Listed
from clinical.export import deidentified
from clinical.review import progress, status
from clinical.review import protocol as protocol_rules
from clinical.review.intake import record_assessment
from clinical.review.protocol import Protocol
from clinical.workspace import comments, store
from clinical.workspace.database import writing

BASE = "https://triptych.example"
CHEST = {
    "resourceType": "ServiceRequest",
    "status": "draft",
    "subject": {"reference": "Patient/p1"},
    "code": {"coding": [{"system": "http://loinc.org", "code": "36643-5"}]},
}


def orders(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}


@dataclass
class Ward:
    """A workspace that answers CDS Hooks, and a record system that asks."""

    engine: Engine
    example: Any
    folder: Path
    ehr: Ehr
    extra: str = ""
    days: int = 0
    refused: list[str] = field(default_factory=list)

    def open(self) -> TestClient:
        self.ehr.write_keys(self.folder / "ehr.json")
        path = self.folder / "receive.toml"
        path.write_text(
            f"""[assembly]
authority = "HOSP"
[cds_hooks]
days = {self.days}
order_hours = 900000
{self.extra}
[[cds_hooks.clients]]
name = "ehr"
issuer = "{ISSUER}"
keys = "ehr.json"
""",
            encoding="utf-8",
        )
        app = cds_hooks.application(
            self.engine, cds_settings.read(path), BASE, self.listed, self.refused.append
        )
        return TestClient(app, base_url=BASE)

    def listed(self) -> Iterator[Listed]:
        with self.engine.connect() as connection:
            for row in store.worklist(connection):
                patient = store.patient_of(connection, row.case_id) or ""
                assessed = bool(row.assessment_digest)
                yield Listed(row.case_id, patient, row.decision_time, assessed)

    def case(self, case_id: str = "case-1", patient: str = "1001", **changes: Any) -> Any:
        return replace(self.example.case(case_id), patient_id=patient, **changes)

    def assess(
        self, case: Any, change: Callable[[Any], Any] = lambda assessment: assessment
    ) -> None:
        assessment = change(self.example.assessment(case))
        with writing(self.engine) as connection:
            record_assessment(connection, case, assessment, "system")

    def events(self, *kinds: str, case_id: str = "case-1") -> list[AuditEvent]:
        with self.engine.connect() as connection:
            assert verify(connection).intact
            found = list(ledger.events(connection, case_id=case_id))
        return [event for event in found if not kinds or event.kind in kinds]


@pytest.fixture
def ward(workspace: Engine, example: Any, tmp_path: Path) -> Ward:
    return Ward(workspace, example, tmp_path, Ehr(BASE))


@pytest.fixture
def http(ward: Ward) -> TestClient:
    ward.assess(ward.case())
    return ward.open()


def test_the_services_say_what_they_need_of_a_patient(ward: Ward, http: TestClient) -> None:
    found = ward.ehr.services(http)
    assert set(found) == {"patient-view", "order-sign"}
    for service in found.values():
        assert service["prefetch"] == {"patient": "Patient/{{context.patientId}}"}
        assert "Research use only" in service["description"]


def test_a_card_is_given_and_overridden_with_a_reason_and_a_comment(
    ward: Ward, http: TestClient
) -> None:
    (card,) = ward.ehr.cards(http, "patient-view")
    assert "bacterial pneumonia 83%" in card["summary"]
    assert card["indicator"] == "info"
    assert [one["label"] for one in card["suggestions"]] == ["Consider bacterial pneumonia"]
    assert card["links"][0]["url"] == f"{BASE}/case?id={ward.events()[0].sequence}"
    (sent,) = ward.events("CARD_SENT")
    assert sent.actor == "cds hooks"
    assert sent.payload["client"] == "ehr"
    assert sent.payload["user"] == "Practitioner/7"
    assert sent.payload["suggested"] == ["bacterial_pneumonia"]

    reason = next(r for r in card["overrideReasons"] if r["code"] == "history_explains")
    override = {"reason": reason, "userComment": "Known fibrosis since 2019."}
    told = {"card": card["uuid"], "outcome": "overridden", "overrideReason": override}
    assert ward.ehr.feedback(http, "patient-view", told).status_code == 200
    (answer,) = ward.events("CARD_ANSWERED")
    assert answer.payload["sent"] == sent.sequence
    assert (answer.payload["outcome"], answer.payload["reason"]) == (
        "overridden",
        "history_explains",
    )
    assert "fibrosis" not in str(answer.payload)
    with ward.engine.connect() as connection:
        comment = comments.get(connection, answer.payload["comment"])
    assert comment == "Known fibrosis since 2019."


def test_an_accepted_card_names_its_suggestion_and_is_no_reading(
    ward: Ward, http: TestClient
) -> None:
    before = ward.events()
    (card,) = ward.ehr.cards(http, "patient-view")
    suggestions = [{"id": one["uuid"]} for one in card["suggestions"]]
    told = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": suggestions}
    for _ in range(2):  # a client may tell it again
        assert ward.ehr.feedback(http, "patient-view", told).status_code == 200
    (answer,) = ward.events("CARD_ANSWERED")
    assert answer.payload["accepted"] == ["bacterial_pneumonia"]
    assert answer.payload["answered"] == "2026-11-30T12:00:00.000000+00:00"
    assert status.status(ward.events()) == status.status(before) == "unread"
    assert progress.progress(ward.events()) == progress.progress(before)


def test_a_card_may_be_dismissed_without_a_word(ward: Ward, http: TestClient) -> None:
    (card,) = ward.ehr.cards(http, "patient-view")
    told = {"card": card["uuid"], "outcome": "overridden"}
    assert ward.ehr.feedback(http, "patient-view", told).status_code == 200
    (answer,) = ward.events("CARD_ANSWERED")
    assert (answer.payload["reason"], answer.payload["comment"]) == ("", "")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"card": "0b0dbb2c-68a1-4b1a-9d3e-58e3a9c7a001"}, "card: no such card was given."),
        ({"card": "no uuid"}, "card: it is no uuid."),
        ({"outcome": "ignored"}, "outcome"),
        ({"outcomeTimestamp": "yesterday"}, "outcomeTimestamp"),
        ({"outcome": "accepted"}, "acceptedSuggestions"),
        ({"overrideReason": {"reason": {"code": "because"}}}, "overrideReason.reason.code"),
        ({"overrideReason": {"userComment": 2001 * "x"}}, "overrideReason.userComment"),
        (
            {
                "outcome": "accepted",
                "acceptedSuggestions": [{"id": "0b0dbb2c-68a1-4b1a-9d3e-58e3a9c7a002"}],
            },
            "acceptedSuggestions: the card has no such suggestion.",
        ),
    ],
)
def test_feedback_that_cannot_be_is_named_by_its_place_and_the_rest_recorded(
    ward: Ward, http: TestClient, change: dict[str, Any], place: str
) -> None:
    (card,) = ward.ehr.cards(http, "patient-view")
    good = {"card": card["uuid"], "outcome": "overridden"}
    answer = ward.ehr.feedback(http, "patient-view", {**good, **change}, good)
    assert answer.status_code == 422
    (said,) = answer.json()["not_recorded"]
    assert said.startswith(f"feedback[0].{place}")
    assert len(ward.events("CARD_ANSWERED")) == 1


def test_a_client_cannot_answer_the_card_of_another(ward: Ward) -> None:
    other = Ehr(BASE, issuer="https://other.example/", kid="other")
    other.write_keys(ward.folder / "other.json")
    ward.extra = """
[[cds_hooks.clients]]
name = "other"
issuer = "https://other.example/"
keys = "other.json"
"""
    ward.assess(ward.case())
    http = ward.open()
    (card,) = ward.ehr.cards(http, "patient-view")
    told = {"card": card["uuid"], "outcome": "overridden"}
    assert other.feedback(http, "patient-view", told).status_code == 422
    assert not ward.events("CARD_ANSWERED")


@pytest.mark.parametrize(
    "identifier",
    [
        {"system": "HOSP", "value": "1002"},
        {"system": "OTHER", "value": "1001"},
        {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "1001"},
        {"system": "HOSP", "value": "1001", "use": "old"},
    ],
)
def test_nothing_is_said_of_a_patient_who_is_another(
    ward: Ward, http: TestClient, identifier: dict[str, str]
) -> None:
    patient = {**PATIENT, "identifier": [identifier]}
    assert ward.ehr.cards(http, "patient-view", patient) == []
    assert not ward.events("CARD_SENT")


def test_the_same_number_of_another_authority_is_another_patient(ward: Ward) -> None:
    ward.assess(ward.case("case-1", "1001"))
    ward.assess(ward.case("case-2", "1001@NORTH"))
    http = ward.open()
    for authority, case_id in (("HOSP", "case-1"), ("NORTH", "case-2")):
        patient = {**PATIENT, "identifier": [{"system": authority, "value": "1001"}]}
        (card,) = ward.ehr.cards(http, "patient-view", patient)
        (event,) = ward.events("CARD_SENT", case_id=case_id)
        assert event.payload["card"] == card["uuid"]


@pytest.mark.parametrize(("days", "cards"), [(7, 1), (1, 0), (0, 1)])
def test_the_newest_case_within_the_window_counts(ward: Ward, days: int, cards: int) -> None:
    now, ward.days = datetime.now(UTC), days
    for name, age in (("case-1", 9), ("case-2", 2), ("case-3", 5)):
        ward.assess(ward.case(name, decision_time=now - timedelta(days=age)))
    ward.ehr.cards(ward.open(), "patient-view")
    assert len(ward.events("CARD_SENT", case_id="case-2")) == cards
    assert not ward.events("CARD_SENT", case_id="case-3")


def test_what_is_withheld_is_not_in_a_card(ward: Ward) -> None:
    because = "the input is unlike the training cases"
    ward.assess(
        ward.case(),
        lambda a: replace(
            a, suggestions=tuple(replace(s, withheld_because=because) for s in a.suggestions)
        ),
    )
    (card,) = ward.ehr.cards(ward.open(), "patient-view")
    assert card["indicator"] == "info"
    assert "No suggestion can be shown, because" in card["detail"]
    assert not {"suggestions", "overrideReasons", "selectionBehavior"} & set(card)
    assert not any(word in str(card) for word in ("pneumonia", "83%", "embolism"))


def test_what_is_below_its_threshold_or_withheld_is_not_named(ward: Ward, http: TestClient) -> None:
    (card,) = ward.ehr.cards(http, "patient-view")
    assert not any(name in str(card) for name in ("heart failure", "embolism", "D-dimer"))


def test_that_it_is_nothing_else_is_no_suggestion(ward: Ward) -> None:
    def nothing_else(assessment: Any) -> Any:
        first, *others = assessment.suggestions
        return replace(assessment, suggestions=(replace(first, diagnosis="none_of_these"), *others))

    ward.assess(ward.case(), nothing_else)
    (card,) = ward.ehr.cards(ward.open(), "patient-view")
    assert "suggests none of its diagnoses" in card["summary"]
    assert "suggestions" not in card


def test_no_note_speaks_of_what_is_withheld(ward: Ward) -> None:
    told = ("pulmonary embolism: image alone gives 70%", "bacterial pneumonia: notes give 4%")
    ward.assess(ward.case(), lambda a: replace(a, conflicts=told))
    (card,) = ward.ehr.cards(ward.open(), "patient-view")
    assert "bacterial pneumonia: notes give 4%" in card["detail"]
    assert "embolism" not in str(card)


def test_before_the_first_read_a_card_says_nothing_of_the_model(
    ward: Ward, http: TestClient
) -> None:
    protocol_rules.set_protocol(ward.engine, Protocol(first_read=True), "boss")
    (card,) = ward.ehr.cards(http, "patient-view")
    assert "first read it without the model" in card["detail"]
    assert "suggestions" not in card
    assert not any(word in str(card) for word in ("pneumonia", "83%", "C-reactive"))
    (sent,) = ward.events("CARD_SENT")
    assert (sent.payload["said"], sent.payload["suggested"]) == ("first read", [])


def test_a_reader_who_is_blinded_does_not_see_what_a_record_system_was_told(
    ward: Ward, http: TestClient
) -> None:
    ward.ehr.cards(http, "patient-view")
    protocol = Protocol(first_read=True)
    seen = progress.visible(ward.events(), "dr.bo", "reader", protocol, "case-1")
    assert [event.kind for event in seen] == ["ASSESSED"]
    auditor = progress.visible(ward.events(), "aud", "auditor", protocol, "case-1")
    assert [event.kind for event in auditor] == ["ASSESSED", "CARD_SENT"]


def test_a_signed_reading_is_in_the_card(ward: Ward, example: Any) -> None:
    case = ward.case()
    digest, _ = example.recorded(ward.engine, case)
    read_case.signed(ward.engine, example, digest)
    (card,) = ward.ehr.cards(ward.open(), "patient-view")
    assert "**Signed reading**" in card["detail"]
    assert "dr.ada" not in str(card)


def test_order_sign_tells_of_the_film_that_is_there(ward: Ward) -> None:
    film = ward.example.case().inputs["image"].items[0]
    taken = {"acquired": "2026-11-30T08:12:00+00:00", "Modality": "DX"}
    earlier = {"acquired": "2025-01-01T09:00:00+00:00", "Modality": "DX"}
    case = ward.case()
    inputs = {
        **case.inputs,
        "image": Arrays((Array(film.values, source=taken),)),
        "prior_image": Arrays((Array(film.values, source=earlier),)),
    }
    ward.assess(replace(case, inputs=inputs))
    http = ward.open()
    (card,) = ward.ehr.cards(http, "order-sign", draftOrders=orders(CHEST))
    assert card["summary"].startswith("There is a chest film already")
    assert (
        "- a film, taken 2026-11-30 08:12 UTC\n- an earlier film, taken 2025-01-01"
        in (card["detail"])
    )
    (sent,) = ward.events("CARD_SENT")
    assert sent.payload["hook"] == "order-sign"


@pytest.mark.parametrize(
    "order",
    [
        {**CHEST, "subject": {"reference": "Patient/p2"}},
        {**CHEST, "code": {"text": "Urea and electrolytes"}},
        {**CHEST, "doNotPerform": True},
        {**CHEST, "status": "revoked"},
        {**CHEST, "resourceType": "MedicationRequest"},
    ],
)
def test_order_sign_is_silent_about_other_orders(
    ward: Ward, http: TestClient, order: dict[str, Any]
) -> None:
    assert ward.ehr.cards(http, "order-sign", draftOrders=orders(order)) == []


@pytest.mark.parametrize(
    "code",
    [{"text": "X-ray thorax pa"}, {"coding": [{"code": "K1", "display": "Chest, two views"}]}],
)
def test_an_order_says_by_its_words_that_it_is_for_the_chest(
    ward: Ward, http: TestClient, code: dict[str, Any]
) -> None:
    order = {**CHEST, "code": code}
    assert len(ward.ehr.cards(http, "order-sign", draftOrders=orders(order))) == 1


def test_whatever_a_case_holds_is_text_in_the_card(ward: Ward) -> None:
    hostile = (
        "<img src=x onerror=alert(1)> ![b](http://e.example/b.png) [c](javascript:alert(1))"
        " **s** www.e.example `x` &lt; | a@e.example\n# head"
    )
    ward.assess(
        ward.case(),
        lambda a: replace(
            a,
            conflicts=(hostile,),
            out_of_distribution=replace(a.out_of_distribution, reasons=(hostile,)),
        ),
    )
    (card,) = ward.ehr.cards(ward.open(), "patient-view")
    tokens = MarkdownIt("commonmark", {"html": True}).parse(card["detail"])
    inside = [child for token in tokens for child in token.children or ()]
    kinds = {one.type for one in (*tokens, *inside)}
    assert not {"html_block", "html_inline", "image", "link_open", "code_inline"} & kinds
    assert "heading_open" not in kinds
    shown = " ".join(one.content for one in inside if one.type == "text")
    assert "onerror=alert(1)" in shown


BODY = {
    "hook": "patient-view",
    "hookInstance": "i",
    "context": {"patientId": "p1"},
    "prefetch": {"patient": PATIENT},
}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b'{"hook": NaN}', 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 50_000, 400),
        (b'"' + b"x" * 600_000 + b'"', 413),
        ({**BODY, "hook": "order-sign"}, 400),
        ({**BODY, "hookInstance": ""}, 400),
        ({**BODY, "context": "p1"}, 400),
        ({**BODY, "prefetch": {}}, 412),
        ({**BODY, "prefetch": {"patient": None}}, 412),
        ({**BODY, "prefetch": ["patient"]}, 412),
        ({**BODY, "prefetch": {"patient": {**PATIENT, "id": "p2"}}}, 200),
        ({**BODY, "prefetch": {"patient": {**PATIENT, "identifier": {"value": "1001"}}}}, 200),
        ({**BODY, "prefetch": {"patient": {**PATIENT, "modifierExtension": [1]}}}, 200),
        ({**BODY, "context": {"patientId": "\ud800"}}, 200),
    ],
)
def test_a_hostile_body_is_answered_and_says_nothing_of_anybody(
    ward: Ward, http: TestClient, body: Any, code: int
) -> None:
    answer = ward.ehr.post(http, "/cds-services/triptych-patient-view", body)
    assert answer.status_code == code
    assert answer.json() == {"cards": []} or set(answer.json()) == {"message"}
    assert not ward.events("CARD_SENT")


@pytest.mark.parametrize("body", [{}, {"feedback": []}, {"feedback": "x"}, {"feedback": 101 * [1]}])
def test_feedback_that_is_none_is_refused(ward: Ward, http: TestClient, body: Any) -> None:
    path = "/cds-services/triptych-patient-view/feedback"
    assert ward.ehr.post(http, path, body).status_code == 400


def test_a_service_that_there_is_not_is_not_found(ward: Ward, http: TestClient) -> None:
    assert ward.ehr.post(http, "/cds-services/other", BODY).status_code == 404


def test_a_token_is_asked_for_and_no_reason_holds_anything_of_a_request(
    ward: Ward, http: TestClient
) -> None:
    path = "/cds-services/triptych-patient-view"
    assert http.get("/cds-services").status_code == 401
    used = ward.ehr.token(f"{BASE}{path}")
    assert ward.ehr.post(http, path, BODY, used).status_code == 200
    answer = ward.ehr.post(http, path, BODY, used)
    assert (answer.status_code, answer.json()) == (401, {"message": "the token was used before"})
    ward.ehr.post(http, path, BODY, ward.ehr.token(f"{BASE}/cds-services"))
    assert ward.refused == [
        "there is no token",
        "the token was used before",
        "the token is for another address",
    ]


def test_one_client_is_held_to_a_number_of_requests(ward: Ward) -> None:
    ward.extra = "per_minute = 2"
    http = ward.open()
    path = "/cds-services"
    found = [http.get(path, headers=ward.ehr.headers(path)).status_code for _ in range(3)]
    assert found == [200, 200, 429]


@pytest.mark.parametrize(
    ("origins", "origin", "code"),
    [
        ("", "https://ehr.example.org", 403),
        ("", "https://triptych.example", 403),
        ('origins = ["https://ehr.example.org"]', "https://ehr.example.org", 200),
        ('origins = ["https://ehr.example.org"]', "https://evil.example", 403),
    ],
)
def test_a_page_may_ask_only_from_an_origin_that_is_named(
    ward: Ward, origins: str, origin: str, code: int
) -> None:
    ward.extra = origins
    http = ward.open()
    headers = {**ward.ehr.headers("/cds-services"), "origin": origin}
    answer = http.get("/cds-services", headers=headers)
    assert answer.status_code == code
    allowed = origin if code == 200 else None
    assert answer.headers.get("access-control-allow-origin") == allowed


def test_cards_and_feedback_go_with_a_purged_case(ward: Ward, http: TestClient) -> None:
    (card,) = ward.ehr.cards(http, "patient-view")
    override = {"userComment": "Nothing on the film."}
    told = {"card": card["uuid"], "outcome": "overridden", "overrideReason": override}
    ward.ehr.feedback(http, "patient-view", told)
    purge(ward.engine, ["case-1"], because="erasure", actor="boss")
    assert ward.ehr.cards(http, "patient-view") == []
    assert ward.ehr.feedback(http, "patient-view", told).status_code == 422
    (answer,) = ward.events("CARD_ANSWERED")
    (gone,) = ward.events("PURGED")
    assert gone.payload["comments"] == [answer.payload["comment"]]


def test_an_answer_to_what_is_no_card_is_found_by_the_verifier(
    ward: Ward, http: TestClient
) -> None:
    ward.ehr.cards(http, "patient-view")
    payload = {"sent": ward.events("ASSESSED")[0].sequence, "outcome": "accepted"}
    with writing(ward.engine) as connection:
        ledger.append(
            connection, "CARD_ANSWERED", actor="cds hooks", case_id="case-1", payload=payload
        )
    with ward.engine.connect() as connection:
        assert not verify(connection).intact


def test_de_identified_it_says_what_and_not_who(ward: Ward, http: TestClient) -> None:
    (card,) = ward.ehr.cards(http, "patient-view")
    override = {"reason": {"code": "other"}, "userComment": "Mr Smith is known to us."}
    told = {"card": card["uuid"], "outcome": "overridden", "overrideReason": override}
    ward.ehr.feedback(http, "patient-view", told)
    sent, answer = ward.events("CARD_SENT", "CARD_ANSWERED")
    names, first = deidentified.Pseudonyms(), ward.events()[0].time
    known = ["bacterial_pneumonia"]
    told_of = deidentified.details(sent, names, {}, known, first)
    assert set(told_of) == {"hook", "said", "suggested", "assessment"}
    kept = deidentified.details(answer, names, {sent.sequence: 2}, known, first)
    assert kept == {
        "outcome": "overridden",
        "reason": "other",
        "comment": "",
        "accepted": [],
        "sent": 2,
        "answered": kept["answered"],
    }
