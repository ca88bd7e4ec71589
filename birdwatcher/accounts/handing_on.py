"""Who may hand on what: nobody gives, or reaches, more than they have themselves.

Django lets everybody who may edit users make themselves superuser, and a token acts with all that
its user may do. So one rule holds wherever a person acts for or on another: on permissions and
groups that are given, on users who are edited, deleted or get a password, and on users' tokens.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model, Q, QuerySet

from birdwatcher.accounts.models import ApiToken


def beyond(giver: User, model: type[Model]) -> QuerySet[Any]:
    """Return the rows of `model` that `giver` can neither hand on nor change.

    `model` is Permission, Group, User or ApiToken: permissions that the giver lacks, and groups,
    users and users' tokens that have one of these, active or not. A superuser lacks none.
    """
    found: QuerySet[Any] = BEYOND[model](giver).distinct()
    return found.none() if giver.is_superuser else found


def _permissions(giver: User) -> QuerySet[Permission]:
    return Permission.objects.exclude(Q(user=giver) | Q(group__user=giver))


def _groups(giver: User) -> QuerySet[Group]:
    return Group.objects.filter(permissions__in=_permissions(giver))


def _users(giver: User) -> QuerySet[User]:
    return User.objects.filter(
        Q(is_superuser=True)
        | Q(user_permissions__in=_permissions(giver))
        | Q(groups__in=_groups(giver))
    )


def _tokens(giver: User) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(user__in=_users(giver))


BEYOND: dict[type[Model], Callable[[User], QuerySet[Any]]] = {
    Permission: _permissions,
    Group: _groups,
    User: _users,
    ApiToken: _tokens,
}
