"""The rules of review: who may decide what, when, and what a case's status is.

A rule is written once: `check_x` raises, `can_x` wraps it for a button, and `x` checks again inside
the transaction that appends the event. Status, current decisions and everything else about a
reading are folds over the ledger's events; there is no second store that could disagree with it.
docs/reading.md says the rules in words.
"""

from clinical.review.adjudication import (
    Adjudication,
    adjudicate,
    agreed,
    can_adjudicate,
    check_adjudicate,
    disputed,
    signatures,
)
from clinical.review.agreement import Agreement, Kappa, agreement, kappa
from clinical.review.comment import MAX_COMMENT
from clinical.review.conclusion import concluded, conclusion, differ
from clinical.review.decisions import (
    ACTED,
    CODED,
    MAX_READER,
    NEEDS_COMMENT,
    REASONS,
    can_decide,
    check_decision,
    decide,
    decisions,
    history,
    record_decision,
    standing,
)
from clinical.review.first_read import FirstRead, can_commit, check_first_read, commit_first_read
from clinical.review.intake import record_assessment, record_import, record_opened, to_decide
from clinical.review.progress import (
    Progress,
    Ranked,
    Reader,
    RecordedDecision,
    hides_others,
    progress,
    shown_cases,
    visible,
    withheld,
)
from clinical.review.protocol import Protocol, in_force, set_protocol
from clinical.review.signature import (
    AMEND_REASONS,
    MEANINGS,
    Amendment,
    Signature,
    amend,
    can_amend,
    can_sign,
    check_amend,
    check_sign,
    decisions_digest,
    holds,
    left_to_decide,
    sign,
)
from clinical.review.status import TRANSITIONS, Status, Step, diagram, moved, status, statuses
from clinical.review.switches import Switches, counted, switches
from clinical.review.times import Attention
from clinical.review.undo import can_undo, check_undo, undo

__all__ = [
    "ACTED",
    "AMEND_REASONS",
    "CODED",
    "MAX_COMMENT",
    "MAX_READER",
    "MEANINGS",
    "NEEDS_COMMENT",
    "REASONS",
    "TRANSITIONS",
    "Adjudication",
    "Agreement",
    "Amendment",
    "Attention",
    "FirstRead",
    "Kappa",
    "Progress",
    "Protocol",
    "Ranked",
    "Reader",
    "RecordedDecision",
    "Signature",
    "Status",
    "Step",
    "Switches",
    "adjudicate",
    "agreed",
    "agreement",
    "amend",
    "can_adjudicate",
    "can_amend",
    "can_commit",
    "can_decide",
    "can_sign",
    "can_undo",
    "check_adjudicate",
    "check_amend",
    "check_decision",
    "check_first_read",
    "check_sign",
    "check_undo",
    "commit_first_read",
    "concluded",
    "conclusion",
    "counted",
    "decide",
    "decisions",
    "decisions_digest",
    "diagram",
    "differ",
    "disputed",
    "hides_others",
    "history",
    "holds",
    "in_force",
    "kappa",
    "left_to_decide",
    "moved",
    "progress",
    "record_assessment",
    "record_decision",
    "record_import",
    "record_opened",
    "set_protocol",
    "shown_cases",
    "sign",
    "signatures",
    "standing",
    "status",
    "statuses",
    "switches",
    "to_decide",
    "undo",
    "visible",
    "withheld",
]
