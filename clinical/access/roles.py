"""Who may do what: four roles and their permissions, as one table.

A page asks `may` before it shows a control and again before it acts. An auditor looks and exports,
and never decides; an administrator looks after accounts, and reads no case by that alone.
"""

from __future__ import annotations

from typing import Literal, get_args

from clinical.errors import ConfigError

Role = Literal["reader", "adjudicator", "auditor", "administrator"]
Permission = Literal[
    "read_cases",
    "add_cases",
    "decide",
    "print_case",
    "assign",
    "adjudicate",
    "audit",
    "export",
    "studies",
    "accounts",
]

ROLES: tuple[Role, ...] = get_args(Role)

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    "reader": frozenset({"read_cases", "add_cases", "decide", "print_case", "studies"}),
    "adjudicator": frozenset(
        {"read_cases", "add_cases", "decide", "print_case", "assign", "adjudicate", "studies"}
    ),
    "auditor": frozenset({"read_cases", "print_case", "audit", "export", "studies"}),
    "administrator": frozenset({"accounts", "assign", "audit", "studies"}),
}


def role_of(name: str) -> Role:
    """The role of that name.

    Raises:
        ConfigError: if there is none.
    """
    for role in ROLES:
        if role == name:
            return role
    raise ConfigError("There is no such role.", remedy=f"use one of {', '.join(ROLES)}.")


def may(role: Role, permission: Permission) -> bool:
    """Whether an account with this role has the permission."""
    return permission in PERMISSIONS[role]
