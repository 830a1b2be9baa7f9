"""Jobs and datasets as rows of the Django admin's lists; there are no tables behind them."""

from __future__ import annotations

from django.db import models

from databridge.rows import Row


class JobRow(Row):
    """A job."""

    job_id = models.CharField(primary_key=True, max_length=64)

    class Meta(Row.Meta):
        app_label = "ingestion"
        verbose_name = "job"


class DatasetRow(Row):
    """A dataset."""

    name = models.CharField(primary_key=True, max_length=64)

    class Meta(Row.Meta):
        app_label = "ingestion"
        verbose_name = "dataset"


class ConnectionRow(Row):
    """A saved source."""

    name = models.CharField(primary_key=True, max_length=64)

    class Meta(Row.Meta):
        app_label = "ingestion"
        verbose_name = "connection"
