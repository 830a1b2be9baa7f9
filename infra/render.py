"""Fills the generated fields of ``zappa_settings.json`` for one stage: ``python -m infra.render dev OUTPUTS.json``.

``OUTPUTS.json`` is what ``cdk deploy --outputs-file`` wrote for the stage's base. Nothing secret is in either.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from infra.stages import Stage, stage

SETTINGS = Path(__file__).resolve().parent.parent / "zappa_settings.json"


class OutputsMissing(Exception):
    """The stage's base has not been deployed, or its outputs were written elsewhere."""


def rendered(settings: dict[str, Any], outputs: dict[str, Any], chosen: Stage) -> dict[str, Any]:
    """Return the settings with the stage's two functions filled in; raises ``OutputsMissing``."""
    try:
        told = outputs[chosen.named("base")]
        environment = {
            "DATABRIDGE_STAGE": chosen.name,
            "DATABRIDGE_BUCKET": told["Bucket"],
            "DATABRIDGE_USER_POOL_ID": told["UserPoolId"],
            "DATABRIDGE_CLIENT_ID": told["ClientId"],
            "DATABRIDGE_SIGNING_KEY_NAME": told["SigningKeyName"],
            "DATABRIDGE_WORKER_FUNCTION": chosen.worker,
            "DATABRIDGE_HOSTS": ",".join(hosts(chosen)),
            "DATABRIDGE_PREFIX": "" if chosen.domain else f"/{chosen.name}",
            "DATABRIDGE_MFA_REQUIRED": str(chosen.mfa_required).lower(),
            "DATABRIDGE_MACHINE_CLIENTS": told["MachineClients"] if chosen.machines else "",
            "DATABRIDGE_CONTACT": chosen.contact,
        }
        roles = {"web": told["WebRoleArn"], "worker": told["WorkerRoleArn"]}
    except KeyError as error:
        raise OutputsMissing(f"The outputs of {chosen.named('base')} lack {error}. Deploy the base first.") from error
    filled = dict(settings)
    for function, role in roles.items():
        name = f"{chosen.name}_{function}"
        filled[name] = {
            **settings[name],
            "aws_region": chosen.region,
            "role_arn": role,
            "aws_environment_variables": environment,
        }
    return filled


def hosts(chosen: Stage) -> list[str]:
    """Return the host names under which API Gateway reaches the app; it lets no other through."""
    return [chosen.domain or f".execute-api.{chosen.region}.amazonaws.com"]


def main() -> None:
    """Rewrite the settings file."""
    name, outputs = sys.argv[1:]
    text = json.loads(SETTINGS.read_text())
    filled = rendered(text, json.loads(Path(outputs).read_text()), stage(name))
    SETTINGS.write_text(json.dumps(filled, indent=2) + "\n")


if __name__ == "__main__":
    main()
