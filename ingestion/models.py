"""The records of DataBridge in DynamoDB, and the access patterns their indexes serve.

No page or endpoint scans: every list is one query on an index whose range key is the job's id, and
job ids are UUIDv7, so that order is newest first. The tables are made from these classes, on AWS
and in the embedded one.
"""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    ListAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from databridge.config import table_name
from databridge.tables import TableMeta

FEED = "jobs"
WATCHED = "open"
REJECTS_OPEN = "rejects"
"""What ``watch`` holds while a job is unfinished, and while rows that a finished one has set aside are open."""


class JobsByUser(GlobalSecondaryIndex[Any]):
    """My jobs, newest first."""

    class Meta(TableMeta):
        index_name = "by_user"
        projection = AllProjection()

    user_id = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)


class JobsByFeed(GlobalSecondaryIndex[Any]):
    """All jobs, newest first."""

    class Meta(TableMeta):
        index_name = "by_feed"
        projection = AllProjection()

    feed = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)


class JobsByStatus(GlobalSecondaryIndex[Any]):
    """All jobs of a status, newest first."""

    class Meta(TableMeta):
        index_name = "by_status"
        projection = AllProjection()

    status = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)


class JobsByDataset(GlobalSecondaryIndex[Any]):
    """All loads of a dataset, newest first."""

    class Meta(TableMeta):
        index_name = "by_dataset"
        projection = AllProjection()

    dataset = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)


class JobsBySource(GlobalSecondaryIndex[Any]):
    """All jobs of a kind of source, newest first."""

    class Meta(TableMeta):
        index_name = "by_source"
        projection = AllProjection()

    source_type = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)


class JobsDue(GlobalSecondaryIndex[Any]):
    """Unfinished jobs by the moment at which somebody should look after them; finished ones are not in it."""

    class Meta(TableMeta):
        index_name = "due"
        projection = KeysOnlyProjection()

    watch = UnicodeAttribute(hash_key=True)
    due_at = NumberAttribute(range_key=True)


class Job(Model):
    """One ingestion of one source object into one dataset; what conditions compare is in epoch seconds.

    ``waiting_since`` is from when on a free worker could have taken the job. ``move_id`` names the last move, so that
    one whose answer was lost is known again. ``fence_key`` and ``fence_upload`` are the object and the multipart
    upload that a worker was last allowed to complete.
    """

    class Meta(TableMeta):
        table_name = table_name("jobs")

    job_id = UnicodeAttribute(hash_key=True)
    feed = UnicodeAttribute(default=FEED)
    user_id = UnicodeAttribute()
    user_email = UnicodeAttribute(default="")
    dataset = UnicodeAttribute()
    source_type = UnicodeAttribute()
    source: JSONAttribute = JSONAttribute(default=dict)
    source_has_secret = BooleanAttribute(default=False)
    source_spec: JSONAttribute = JSONAttribute(null=True)
    source_version: JSONAttribute = JSONAttribute(null=True)
    filename = UnicodeAttribute(default="")
    options: JSONAttribute = JSONAttribute(default=dict)
    partition_date = UnicodeAttribute()

    status = UnicodeAttribute()
    attempt = NumberAttribute(default=0)
    max_attempts = NumberAttribute(default=3)
    progress: JSONAttribute = JSONAttribute(null=True)
    cancel_requested = BooleanAttribute(default=False)
    next_retry_at = UTCDateTimeAttribute(null=True)
    waiting_since = UTCDateTimeAttribute(null=True)
    lease_owner = UnicodeAttribute(null=True)
    lease_until = NumberAttribute(null=True)
    watch = UnicodeAttribute(null=True)
    due_at = NumberAttribute(null=True)
    move_id = UnicodeAttribute(null=True)
    fence_key = UnicodeAttribute(null=True)
    fence_upload = UnicodeAttribute(null=True)

    input_format = UnicodeAttribute(null=True)
    raw_path = UnicodeAttribute(null=True)
    raw_bytes = NumberAttribute(null=True)
    sha256 = UnicodeAttribute(null=True)
    output_path = UnicodeAttribute(null=True)
    output_bytes = NumberAttribute(null=True)
    output_sha256 = UnicodeAttribute(null=True)
    content_sha256 = UnicodeAttribute(null=True)
    rows: JSONAttribute = JSONAttribute(null=True)
    schema_version = NumberAttribute(null=True)
    warnings: JSONAttribute = JSONAttribute(null=True)
    error: JSONAttribute = JSONAttribute(null=True)
    rejects: JSONAttribute = JSONAttribute(null=True)
    rejects_version = NumberAttribute(default=0)
    replays: JSONAttribute = JSONAttribute(null=True)
    superseded_by = UnicodeAttribute(null=True)
    approval: JSONAttribute = JSONAttribute(null=True)

    created_at = UTCDateTimeAttribute()
    started_at = UTCDateTimeAttribute(null=True)
    finished_at = UTCDateTimeAttribute(null=True)

    by_user = JobsByUser()
    by_feed = JobsByFeed()
    by_status = JobsByStatus()
    by_dataset = JobsByDataset()
    by_source = JobsBySource()
    due = JobsDue()


class JobEvent(Model):
    """One line of a job's log; ``seq`` orders them within the job across attempts."""

    class Meta(TableMeta):
        table_name = table_name("events")

    job_id = UnicodeAttribute(hash_key=True)
    seq = UnicodeAttribute(range_key=True)
    at = UTCDateTimeAttribute()
    level = UnicodeAttribute(default="info")
    stage = UnicodeAttribute()
    message = UnicodeAttribute()
    data: JSONAttribute = JSONAttribute(default=dict)
    expires_at = TTLAttribute()


class Counter(Model):
    """Figures of one day or hour (``scope`` ``day``, ``hour``) or of the present (``now``), spread over shards.

    Written in the transaction that moves a job, so that they cannot come apart; sharded because one
    item takes one transaction at a time.
    """

    class Meta(TableMeta):
        table_name = table_name("counters")

    scope = UnicodeAttribute(hash_key=True)
    key = UnicodeAttribute(range_key=True)
    pending = NumberAttribute(default=0)
    running = NumberAttribute(default=0)
    success = NumberAttribute(default=0)
    failed = NumberAttribute(default=0)
    cancelled = NumberAttribute(default=0)
    rows = NumberAttribute(default=0)
    bytes_in = NumberAttribute(default=0)
    seconds = NumberAttribute(default=0)
    users = UnicodeSetAttribute(null=True)


class Dataset(Model):
    """A named table of the lake: when it was last loaded, and the shape of that load.

    ``schema_version`` is the version of its contract; up to ``settled_version`` all its objects have that one's types.
    ``unsettled`` are objects that cannot get them: each with its ``path``, its ``job_id`` and the reason, ``why``.
    """

    class Meta(TableMeta):
        table_name = table_name("datasets")

    feed = UnicodeAttribute(hash_key=True, default="datasets")
    name = UnicodeAttribute(range_key=True)
    schema_version = NumberAttribute(default=1)
    settled_version = NumberAttribute(default=0)
    unsettled: JSONAttribute = JSONAttribute(null=True)
    columns: JSONAttribute = JSONAttribute(default=list)
    last_job_id = UnicodeAttribute(null=True)
    last_loaded_at = UTCDateTimeAttribute(null=True)
    loads = NumberAttribute(default=0)
    rows = NumberAttribute(default=0)


class ContractVersion(Model):
    """One version of a dataset's contract, never changed afterwards: its JSON, compressed, and how it came to be.

    ``changes`` are sentences; ``job_id`` is the job whose file brought them, None where a person wrote the version.
    """

    class Meta(TableMeta):
        table_name = table_name("contracts")

    dataset = UnicodeAttribute(hash_key=True)
    version = NumberAttribute(range_key=True)
    body = BinaryAttribute(legacy_encoding=False)
    changes: JSONAttribute = JSONAttribute(default=list)
    job_id = UnicodeAttribute(null=True)
    changed_by = UnicodeAttribute(default="")
    changed_at = UTCDateTimeAttribute()


class Key(Model):
    """A thing that may happen once: an Idempotency-Key of a user, or a content loaded into a dataset.

    ``fingerprint`` is the request's hash, or the attempt that holds the content.
    """

    class Meta(TableMeta):
        table_name = table_name("keys")

    key = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute()
    fingerprint = UnicodeAttribute(default="")
    expires_at = TTLAttribute(null=True)


class UploadsDue(GlobalSecondaryIndex[Any]):
    """Unfinished uploads by the moment at which somebody should look after them."""

    class Meta(TableMeta):
        index_name = "due"
        projection = KeysOnlyProjection()

    watch = UnicodeAttribute(hash_key=True)
    due_at = NumberAttribute(range_key=True)


class Upload(Model):
    """A file that comes in chunks. ``parts`` has one text a chunk, ``<size>-<SHA-256's first 16 digits>``, in order.

    ``job_id`` is the id of the job that it becomes, settled before the first byte, so that it becomes one only.
    One that is ``held`` waits, all its bytes here, for its sender to load it.
    """

    class Meta(TableMeta):
        table_name = table_name("uploads")

    upload_id = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute()
    user_email = UnicodeAttribute(default="")
    job_id = UnicodeAttribute()
    dataset = UnicodeAttribute()
    filename = UnicodeAttribute()
    options: JSONAttribute = JSONAttribute(default=dict)
    metadata = UnicodeAttribute(default="")
    length = NumberAttribute()
    held = BooleanAttribute(null=True)
    offset = NumberAttribute(default=0)
    parts: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute, default=list)
    watch = UnicodeAttribute(null=True)
    due_at = NumberAttribute(null=True)
    until = UTCDateTimeAttribute()
    expires_at = TTLAttribute()

    due = UploadsDue()


class Connection(Model):
    """A saved source: ``spec`` is what everybody may see of it; its secrets are in Secrets Manager."""

    class Meta(TableMeta):
        table_name = table_name("connections")

    feed = UnicodeAttribute(hash_key=True, default="connections")
    name = UnicodeAttribute(range_key=True)
    spec: JSONAttribute = JSONAttribute(default=dict)
    secret_fields: JSONAttribute = JSONAttribute(default=list)
    secret_id = UnicodeAttribute()
    changed_by = UnicodeAttribute(default="")
    changed_at = UTCDateTimeAttribute()


TABLES: tuple[type[Model], ...] = (Job, JobEvent, Counter, Dataset, ContractVersion, Key, Upload, Connection)
