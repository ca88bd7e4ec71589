"""The admin's pages about users and groups: nobody can grant more than they have themselves."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import admin as auth
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from birdwatcher.staff.reach import ReachAdmin

admin.site.unregister([Group, User])


@admin.register(Group)
class GroupAdmin(ReachAdmin, auth.GroupAdmin):
    """Groups."""


@admin.register(User)
class UserAdmin(ReachAdmin, auth.UserAdmin):
    """Users."""

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Return the read-only fields: only a superuser grants more than groups."""
        return [] if request.user.is_superuser else ["is_superuser", "user_permissions"]
