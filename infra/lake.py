"""The lake's bucket, and the one that keeps its access log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3

from databridge.resources import CHUNK_DAYS, INCOMPLETE_DAYS

if TYPE_CHECKING:
    from constructs import Construct

    from infra.stages import Stage

CHUNKS = "up/"
RAW = "raw/"


def make_lake(scope: Construct, stage: Stage) -> s3.Bucket:
    """Make the bucket: encrypted, versioned, TLS only, closed to the public, tidied by its life cycle."""
    shared: dict[str, Any] = {
        "encryption": s3.BucketEncryption.S3_MANAGED,
        "enforce_ssl": True,
        "minimum_tls_version": 1.2,
        "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
        "removal_policy": RemovalPolicy.RETAIN if stage.retain else RemovalPolicy.DESTROY,
    }
    log = s3.Bucket(
        scope,
        "AccessLog",
        lifecycle_rules=[s3.LifecycleRule(id="forget", expiration=Duration.days(stage.log_days))],
        **shared,
    )
    return s3.Bucket(
        scope,
        "Lake",
        bucket_name=stage.bucket,
        versioned=True,
        server_access_logs_bucket=log,
        server_access_logs_prefix="lake/",
        lifecycle_rules=[
            s3.LifecycleRule(id="chunks", prefix=CHUNKS, expiration=Duration.days(CHUNK_DAYS)),
            s3.LifecycleRule(id="incomplete", abort_incomplete_multipart_upload_after=Duration.days(INCOMPLETE_DAYS)),
            s3.LifecycleRule(id="replaced", noncurrent_version_expiration=Duration.days(30)),
            s3.LifecycleRule(
                id="raw",
                prefix=RAW,
                transitions=[
                    s3.Transition(
                        storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
                        transition_after=Duration.days(stage.raw_to_archive_days),
                    )
                ],
            ),
        ],
        **shared,
    )
