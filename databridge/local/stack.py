"""The embedded AWS as one thing: start it in a folder, use its environment, stop it."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from databridge.local import processes, provision

if TYPE_CHECKING:
    import subprocess

REGION = "us-east-1"  # moto answers some unsigned Cognito calls only there
WATCH_EVERY_S = 0.5
logger = logging.getLogger(__name__)
FOLDER = Path(__file__).resolve().parents[2] / ".local"


class Stack:
    """moto's server and the local Lambda with everything the stage needs inside.

    ``env`` is what a process must have in its environment to use it; entering the context also sets it
    in this process, because the provisioning and the commands that follow run here. A part that dies is started
    again on its port, as AWS would replace it.
    """

    def __init__(self, folder: Path, *, lambda_retry_s: str = "2,4", instances: int = 2) -> None:
        """Nothing starts before the context is entered; the data is kept in ``folder``."""
        self.folder = folder
        self.mailbox = folder / "mail.jsonl"
        self.env: dict[str, str] = {}
        self._retry_s = lambda_retry_s
        self._instances = instances
        self._aws: subprocess.Popen[bytes] | None = None
        self._lambda: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        """Start, provision and set the environment; raises ``StartFailed`` and leaves nothing running."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._start_aws()
            self._start_lambda()
        except BaseException:
            self.close()
            raise
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop both processes; the data is written before the server ends."""
        self.close()

    def close(self) -> None:
        """Stop what runs."""
        self._closed.set()
        processes.stop(self._lambda)
        processes.stop(self._aws)
        self._lambda = self._aws = None

    def _watch(self) -> None:
        """Start a part again that has ended by itself."""
        while not self._closed.wait(WATCH_EVERY_S):
            for name, process, run in (("AWS", self._aws, self._run_aws), ("Lambda", self._lambda, self._run_lambda)):
                if process is None or process.poll() is None or self._closed.is_set():
                    continue
                logger.warning("the embedded %s ended with code %s and is started again", name, process.returncode)
                try:
                    run()
                except processes.StartFailed:
                    logger.exception("the embedded %s did not come up again", name)

    def _start_aws(self) -> None:
        self._aws_port = processes.free_port()
        url = f"http://127.0.0.1:{self._aws_port}"
        self._run_aws()
        self._set(
            **_CREDENTIALS,
            AWS_ENDPOINT_URL=url,
            DATABRIDGE_STAGE="local",
            DATABRIDGE_BUCKET=provision.BUCKET,
            DATABRIDGE_USER_POOL_ID="not-yet",
            DATABRIDGE_CLIENT_ID="not-yet",
            DATABRIDGE_ALLOW_CIDRS="127.0.0.0/8,::1/128",
        )
        provision.bucket()
        provision.all_tables()
        pool_id, client_id = provision.pool()
        machine_id, _ = provision.machine_client(pool_id)
        self._set(
            DATABRIDGE_MACHINE_CLIENTS=machine_id,
            DATABRIDGE_USER_POOL_ID=pool_id,
            DATABRIDGE_CLIENT_ID=client_id,
            DATABRIDGE_ISSUER=f"https://cognito-idp.{REGION}.amazonaws.com/{pool_id}",
            DATABRIDGE_JWKS_URL=f"{url}/{pool_id}/.well-known/jwks.json",
        )

    def _run_aws(self) -> None:
        log = self.folder / "aws.log"
        self._aws = processes.start(
            "databridge.local.aws_server",
            *("--port", str(self._aws_port), "--snapshot", str(self.folder / "aws.snapshot")),
            env=_CREDENTIALS,
            log=log,
        )
        processes.wait_for(f"http://127.0.0.1:{self._aws_port}/moto-api/", self._aws, log)

    def _start_lambda(self) -> None:
        self._lambda_port = processes.free_port()
        url = f"http://127.0.0.1:{self._lambda_port}"
        self._set(AWS_ENDPOINT_URL_LAMBDA=url, DATABRIDGE_LAMBDA_RETRY_S=self._retry_s)
        self._run_lambda()

    def _run_lambda(self) -> None:
        log = self.folder / "lambda.log"
        self._lambda = processes.start(
            "databridge.local.lambda_server",
            *("--port", str(self._lambda_port), "--folder", str(self.folder), "--instances", str(self._instances)),
            env=self.env,
            log=log,
        )
        processes.wait_for(f"http://127.0.0.1:{self._lambda_port}", self._lambda, log)

    def _set(self, **values: str) -> None:
        self.env |= values
        os.environ |= values


_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def ensure() -> None:
    """Start the embedded AWS for this process, unless an AWS is configured already; it ends with the process."""
    if os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("DATABRIDGE_STAGE", "local") != "local":
        return
    stack = Stack(FOLDER)
    stack.__enter__()
    atexit.register(stack.close)
