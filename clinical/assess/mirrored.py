"""A film that seems to be mirrored, in words, where hardly a film that is not looks so."""

from __future__ import annotations

from clinical.case.case import Case
from clinical.modalities.catalogue import encoder
from clinical.modalities.kit import kit_of
from clinical.model.mirrored import MARKED, Rule
from clinical.wording import words


def seems_mirrored(case: Case, rule: Rule | None) -> tuple[str, ...]:
    """One sentence, or none: without a rule, an image, or a reason.

    Args:
        case: what was known.
        rule: of the model that is asked.
    """
    value = None if rule is None else case.inputs.get(rule.modality)
    if rule is None or value is None or kit_of(rule.modality, value).name != rule.encoder:
        return ()
    found = encoder(rule.encoder).sides(value)
    if found is None or rule.p_value(score := rule.score(found)) > MARKED:
        return ()
    many = rule.as_much(score)
    rare = f"about 1 in {round(rule.films / many):,}" if many else f"none of {rule.films:,}"
    return (
        f"{words(rule.modality)} against films that stand as they should, of which {rare} looks"
        " like this: it may be mirrored, or the heart may lie on the right; look at the side"
        " marker",
    )
