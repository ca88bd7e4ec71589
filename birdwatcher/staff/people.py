"""The admin's pages about users and groups: nobody hands on more than they have themselves.

Django lets everybody who may edit users make themselves superuser. Here whoever is none can change
neither a superuser nor anybody else who may do more than they may, nor set the password of one; and
what they give is groups, of those that have nothing that they lack.
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
    """Return the groups whose members may do something that `user` may not."""
    return Group.objects.filter(permissions__in=_beyond(user))


def _stronger_users(user: User) -> QuerySet[User]:
    """Return those who may do something that `user` may not, or could if they were active."""
    return User.objects.filter(
        Q(is_superuser=True)
        | Q(user_permissions__in=_beyond(user))
        | Q(groups__in=_stronger_groups(user))
    )


class _PeopleAdmin(admin.ModelAdmin):
    """What is stronger than the one who asks stays as it is."""

    def stronger(self, user: User) -> QuerySet[Any]:
        """Return what `user` may not touch."""
        raise NotImplementedError

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether `obj` may be changed; of a user, also whether his password may be set."""
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether `obj` may be deleted, alone or with others."""
        return super().has_delete_permission(request, obj) and self._may_touch(request, obj)

    def _may_touch(self, request: HttpRequest, obj: Model | None) -> bool:
        if obj is None or request.user.is_superuser:
            return True
        return not self.stronger(request.user).filter(pk=obj.pk).exists()

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField | None:
        """Return a field to choose from what the one who asks may hand on."""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field is not None and not request.user.is_superuser:
            refused = _beyond if db_field.related_model is Permission else _stronger_groups
            field.queryset = field.queryset.exclude(pk__in=refused(request.user).values("pk"))
        return field


@admin.register(Group)
class GroupAdmin(_PeopleAdmin, auth.GroupAdmin):
    """Groups."""

    def stronger(self, user: User) -> QuerySet[Group]:
        """Return the groups that `user` may not touch."""
        return _stronger_groups(user)


@admin.register(User)
class UserAdmin(_PeopleAdmin, auth.UserAdmin):
    """Users."""

    def stronger(self, user: User) -> QuerySet[User]:
        """Return the users whom `user` may not touch."""
        return _stronger_users(user)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Return what cannot be changed: only a superuser gives more than groups."""
        return [] if request.user.is_superuser else ["is_superuser", "user_permissions"]
