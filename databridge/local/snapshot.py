"""moto's data as one file: written whole or not at all, read at the next start.

The private parts of moto used here are why its version is pinned and why a test restarts it.
"""

from __future__ import annotations

import io
import logging
import pickle
import tempfile
from pathlib import Path
from typing import Any

import cloudpickle
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

SERVICES = ("s3", "dynamodb", "cognito-idp", "ssm", "secretsmanager")
logger = logging.getLogger(__name__)


def private_key(pem: bytes) -> Any:
    """Return the RSA key of a snapshot; a function of ours, because the library's own cannot be pickled."""
    return load_pem_private_key(pem, None)


class _Pickler(cloudpickle.Pickler):
    """cloudpickle that also knows RSA keys, which Cognito's pools hold."""

    def reducer_override(self, value: Any) -> Any:
        """Write a private key as PEM."""
        if isinstance(value, RSAPrivateKey):
            pem = value.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            return private_key, (pem,)
        return super().reducer_override(value)


def save(path: Path) -> None:
    """Write all backends to one file, whole or not at all."""
    from moto.backends import get_backend

    buffer = io.BytesIO()
    pickler = _Pickler(buffer)
    pickler.dump({name: dict(get_backend(name)) for name in SERVICES})  # type: ignore[call-overload]
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(buffer.getvalue())
    Path(file.name).replace(path)


def load(path: Path) -> None:
    """Put the backends of a snapshot in place; one that cannot be read is set aside with a message."""
    from moto.backends import get_backend

    if not path.exists():
        return
    try:
        kept = pickle.loads(path.read_bytes())  # noqa: S301  (our own file in the project's folder)
    except Exception:
        aside = path.with_suffix(".broken")
        path.replace(aside)
        logger.exception("the snapshot cannot be read and is set aside as %s; starting empty", aside)
        return
    # S3's names of buckets, which moto keeps beside the buckets themselves
    s3: Any = get_backend("s3")
    s3.bucket_accounts.update(
        {
            bucket: (partition, account)
            for account, partitions in kept["s3"].items()
            for partition, backend in partitions.items()
            for bucket in backend.buckets
        }
    )
    for name, accounts in kept.items():
        get_backend(name).update(accounts)
