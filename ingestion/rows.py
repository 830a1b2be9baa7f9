"""Jobs and datasets as rows of the Django admin's lists; there are no tables behind them."""

from __future__ import annotations

from django.db import models


class JobRow(models.Model):
    """A job."""

    job_id = models.CharField(primary_key=True, max_length=64)

    class Meta:
        managed = False
        default_permissions = ()
        app_label = "ingestion"
        verbose_name = "job"

    def __str__(self) -> str:
        return self.job_id


class DatasetRow(models.Model):
    """A dataset."""

    name = models.CharField(primary_key=True, max_length=64)

    class Meta:
        managed = False
        default_permissions = ()
        app_label = "ingestion"
        verbose_name = "dataset"

    def __str__(self) -> str:
        return self.name


class ConnectionRow(models.Model):
    """A saved source."""

    name = models.CharField(primary_key=True, max_length=64)

    class Meta:
        managed = False
        default_permissions = ()
        app_label = "ingestion"
        verbose_name = "connection"

    def __str__(self) -> str:
        return self.name
