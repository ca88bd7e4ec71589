"""The admin's pages about users and groups: nobody can grant more than they have themselves.

Django lets everybody who may edit users make themselves superuser. Here, an editor who is not a
superuser cannot change a user with more permissions than their own, nor set such a user's password;
and they can only assign groups all of whose permissions they have.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth
from django.contrib.auth.models import Group, Permission, User
from django.db.models import ManyToManyField, Model, Q, QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest

admin.site.unregister([Group, User])


def _beyond(user: User) -> QuerySet[Permission]:
    """Return the permissions that `user` lacks."""
    return Permission.objects.exclude(Q(user=user) | Q(group__user=user))


def _stronger_groups(user: User) -> QuerySet[Group]:
    """Return the groups with a permission that `user` lacks."""
    return Group.objects.filter(permissions__in=_beyond(user))


def _stronger_users(user: User) -> QuerySet[User]:
    """Return the users with a permission that `user` lacks, active or not."""
    return User.objects.filter(
        Q(is_superuser=True)
        | Q(user_permissions__in=_beyond(user))
        | Q(groups__in=_stronger_groups(user))
    )


class _PeopleAdmin(admin.ModelAdmin):
    """An admin that protects objects with more permissions than the editor has."""

    def stronger(self, user: User) -> QuerySet[Any]:
        """Return the objects that `user` may not change."""
        raise NotImplementedError

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether `obj` may be changed; for a user, this includes the password."""
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether `obj` may be deleted, alone or with others."""
        return super().has_delete_permission(request, obj) and self._may_touch(request, obj)

    def _may_touch(self, request: HttpRequest, obj: Model | None) -> bool:
        if obj is None or request.user.is_superuser:
            return True
        return not self.stronger(request.user).filter(pk=obj.pk).exists()

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField | None:
        """Return a field with the permissions or groups that the editor may grant."""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and not request.user.is_superuser:
            refused = _beyond if db_field.related_model is Permission else _stronger_groups
            field.queryset = field.queryset.exclude(pk__in=refused(request.user).values("pk"))
        return field


@admin.register(Group)
class GroupAdmin(_PeopleAdmin, auth.GroupAdmin):
    """Groups."""

    def stronger(self, user: User) -> QuerySet[Group]:
        """Return the groups that `user` may not change."""
        return _stronger_groups(user)


@admin.register(User)
class UserAdmin(_PeopleAdmin, auth.UserAdmin):
    """Users."""

    def stronger(self, user: User) -> QuerySet[User]:
        """Return the users that `user` may not change."""
        return _stronger_users(user)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Return the read-only fields: only a superuser grants more than groups."""
        return [] if request.user.is_superuser else ["is_superuser", "user_permissions"]
