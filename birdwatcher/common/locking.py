"""Delete rows to which the writer may be adding references at this moment."""

from typing import Any, TypeVar

from django.db import models, transaction

M = TypeVar("M", bound=models.Model)


class LockingQuerySet(models.QuerySet[M]):
    """A query set that locks its rows before it collects the rows that are deleted with them.

    The writer may be committing a bird of the same node. Without the lock, its bird could appear
    between the collection and the commit of the deletion, which would end in an IntegrityError.
    With the lock, either the writer commits first and its birds are collected, or its foreign-key
    check waits, finds the row deleted, and the writer drops the birds. (On SQLite, an immediate
    transaction is that lock.)
    """

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows and what refers to them; returns what QuerySet.delete returns."""
        with transaction.atomic(using=self.db):
            plain: models.QuerySet[M] = models.QuerySet(self.model, using=self.db)
            rows = plain.filter(pk__in=list(self.order_by().values_list("pk", flat=True)))
            # In the order of the keys, so that two deletions never wait for each other.
            locked = list(rows.order_by("pk").select_for_update().values_list("pk", flat=True))
            return plain.filter(pk__in=locked).delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class LockedDeleteModel(models.Model):
    """A model whose rows are locked before they are deleted; see `LockingQuerySet`."""

    objects = LockingQuerySet.as_manager()

    class Meta:
        abstract = True

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, Any]:
        """Delete this row and what refers to it; returns what Model.delete returns."""
        with transaction.atomic(using=using):
            own: models.QuerySet[Any] = models.QuerySet(type(self), using=using).filter(pk=self.pk)
            list(own.select_for_update().values_list("pk"))  # for its lock alone
            return super().delete(using=using, keep_parents=keep_parents)
