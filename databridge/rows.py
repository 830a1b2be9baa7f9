"""Rows of the Django admin's lists for records that no SQL table holds."""

from __future__ import annotations

from django.db import models


class Row(models.Model):
    """A record under its key; no table is behind it, and the admin's rights come from the role table."""

    class Meta:
        abstract = True
        managed = False
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)
