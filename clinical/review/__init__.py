"""The rules of review: who may decide what, when, and what a case's status is.

A rule is written once: `check_x` raises, `can_x` wraps it for a button, and `x` checks again inside
the transaction that appends the event. Status, current decisions and everything else about a
reading are folds over the ledger's events; there is no second store that could disagree with it.
docs/reading.md says the rules in words.
"""
