"""Orders that are about to be signed, and whether one of them asks for a picture of the chest."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from clinical.exchange.assembly_rules import Rules
from clinical.exchange.fhir_elements import Element, child, children, word

_STANDING = ("", "draft", "active", "on-hold")
"""Of ServiceRequest.status; others are no longer to be done, or an error."""


def asks_for_chest(orders: Element, patient_id: str, rules: Rules, codes: Collection[str]) -> bool:
    """Whether a ServiceRequest among `context.draftOrders` is for the chest of this patient.

    It is if its code is one of `codes`, or a word of its code or body site begins with one of the
    regions by which films are chosen (`Rules.regions`).
    """
    wanted = tuple(region.upper() for region in rules.regions)
    for order in _orders(orders, patient_id):
        concepts = (child(order, "code"), *children(order, "bodySite"))
        codings = [coding for concept in concepts for coding in children(concept, "coding")]
        if any(word(coding, "code") in codes for coding in codings):
            return True
        texts = [word(concept, "text") for concept in concepts]
        texts += [word(coding, "display") for coding in codings]
        if any(told.startswith(wanted) for told in re.findall(r"\w+", " ".join(texts).upper())):
            return True
    return False


def _orders(orders: Element, patient_id: str) -> Iterator[Element]:
    for entry in children(orders, "entry"):
        order = child(entry, "resource")
        subject = word(child(order, "subject"), "reference")
        mine = subject == f"Patient/{patient_id}" or subject.endswith(f"/Patient/{patient_id}")
        if (
            word(order, "resourceType") == "ServiceRequest"
            and word(order, "status") in _STANDING
            and order.get("doNotPerform") is not True
            and mine
        ):
            yield order
