"""Who is who: the number of a patient and who gave it out, and which numbers became one.

The same number of another authority is another patient. A number that comes without an authority
is of the one that the rules state for its sender, or of the hospital's own; where neither is
stated, it is a number of its sender alone, and is the same as no other sender's.
"""

from __future__ import annotations

from collections.abc import Iterable

from clinical.exchange.assembly_rules import Rules
from clinical.exchange.facts import Merge, PatientIdentifier, Person

UNSTATED = "from "
"""What the authority of a number begins with of which only the sender is known."""


def resolved(number: PatientIdentifier, sender: str, rules: Rules) -> PatientIdentifier:
    """A number with the authority that it counts as."""
    stated = number.authority.strip()
    title = sender.partition("@")[0]  # of a DICOM sender, whose address may change
    own = rules.senders.get(sender) or rules.senders.get(title, "")
    authority = rules.authorities.get(stated, stated) or own or rules.authority
    return PatientIdentifier(number.value.strip(), authority or UNSTATED + sender)


def whose(person: Person | None, sender: str, rules: Rules) -> PatientIdentifier | None:
    """The number that a message is matched by: that of the hospital's own authority, or the first.

    None where it gives none.
    """
    if person is None:
        return None
    numbers = [resolved(n, sender, rules) for n in person.identifiers if n.value.strip()]
    own = [n for n in numbers if rules.authority and n.authority == rules.authority]
    return next(iter((*own, *numbers)), None)


def shown(number: PatientIdentifier, rules: Rules) -> str:
    """A number as the cases of its patient carry it; with its authority, if that is another's."""
    own = rules.authority and number.authority == rules.authority
    return number.value if own else f"{number.value}@{number.authority}"


class Merged:
    """Which numbers are one patient, whatever the order in which that was said.

    Two numbers of which one was merged into the other are one patient, and so on along the chain.
    The patient goes by the number that was kept and never retired; by the smallest of those where
    there are several or, in a circle, none.
    """

    def __init__(self, merges: Iterable[tuple[Merge, str]], rules: Rules) -> None:
        self._above: dict[PatientIdentifier, PatientIdentifier] = {}
        self._retired: set[PatientIdentifier] = set()
        for merge, sender in merges:
            kept, retired = (resolved(n, sender, rules) for n in (merge.kept, merge.retired))
            if kept.value and retired.value and kept != retired:
                self._retired.add(retired)
                self._join(kept, retired)

    def patient(self, number: PatientIdentifier) -> PatientIdentifier:
        """The number that the patient of this one goes by."""
        together = self.together(number)
        standing = [n for n in together if n not in self._retired] or together
        return min(standing, key=lambda n: (n.authority, n.value))

    def together(self, number: PatientIdentifier) -> frozenset[PatientIdentifier]:
        """All numbers of the patient of this one, it too."""
        top = self._top(number)
        return frozenset(n for n in {*self._above, number} if self._top(n) == top)

    def _top(self, number: PatientIdentifier) -> PatientIdentifier:
        while (above := self._above.get(number, number)) != number:
            number = above
        return number

    def _join(self, one: PatientIdentifier, other: PatientIdentifier) -> None:
        self._above.setdefault(one, one)
        self._above.setdefault(other, other)
        self._above[self._top(other)] = self._top(one)
