"""The table of permissions, as sentences."""

from typing import get_args

import pytest

from clinical.access.roles import PERMISSIONS, ROLES, Permission, Role, may


@pytest.mark.parametrize(
    ("role", "permission", "allowed"),
    [
        ("reader", "decide", True),
        ("reader", "adjudicate", False),
        ("adjudicator", "adjudicate", True),
        ("reader", "add_cases", True),
        ("auditor", "add_cases", False),
        ("administrator", "add_cases", False),
        ("auditor", "decide", False),
        ("auditor", "export", True),
        ("administrator", "accounts", True),
        ("administrator", "read_cases", False),
    ],
)
def test_who_may_do_what(role: Role, permission: Permission, allowed: bool) -> None:
    assert may(role, permission) is allowed


def test_every_role_has_permissions_and_every_permission_somebody() -> None:
    assert set(PERMISSIONS) == set(ROLES)
    assert frozenset().union(*PERMISSIONS.values()) == set(get_args(Permission))
