"""``make deploy STAGE=dev``: the base, the image, the two functions, the edge, the first admin; in that order.

Every step is a command that is printed before it runs, and can be run again: what is already there is updated.
``--print`` shows the commands and runs none.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.stages import STAGES, Stage, stage

ROOT = Path(__file__).resolve().parent.parent
ZAPPA = ".venv/bin/zappa"
PYTHON = ".venv/bin/python"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command, what it is for, and, where it may fail because of what is there already, what to run then."""

    what: str
    command: str
    otherwise: str = ""


def outputs(chosen: Stage) -> str:
    """Return where the base's outputs are kept."""
    return f".local/cdk-outputs-{chosen.name}.json"


def deployment(chosen: Stage, version: str, admin: str = "") -> list[Step]:
    """Return the steps that bring a stage to a version of the code."""
    registry = f"{chosen.account}.dkr.ecr.{chosen.region}.amazonaws.com"
    image = f"{registry}/databridge-{chosen.name}:{version}"
    login = f"aws ecr get-login-password --region {chosen.region} | docker login --username AWS --password-stdin"
    steps = [
        Step(
            what="the base: pool, tables, bucket, roles",
            command=f"{cdk('deploy', chosen, 'base')} --outputs-file {outputs(chosen)}",
        ),
        Step(what="the functions' settings", command=f"{PYTHON} -m infra.render {chosen.name} {outputs(chosen)}"),
        Step(
            what="the image",
            command=f"docker build --platform linux/amd64 --provenance=false --tag {image} .",
        ),
        Step(what="the image's way into the account", command=f"{login} {registry}"),
        Step(what="the image, sent", command=f"docker push {image}"),
    ]
    for function in ("worker", "web"):
        name = f"{chosen.name}_{function}"
        steps.append(
            Step(
                what=f"the {function} function",
                command=f"{ZAPPA} update {name} --docker-image-uri {image}",
                otherwise=f"{ZAPPA} deploy {name} --docker-image-uri {image}",
            )
        )
    steps.append(Step(what="the edge: API, firewall, schedule, alarms", command=cdk("deploy", chosen, "edge")))
    if admin:
        steps.append(
            Step(
                what="the first admin",
                command=f"{PYTHON} -m infra.run_with {outputs(chosen)} {chosen.name} "
                f"{PYTHON} manage.py create_admin {shlex.quote(admin)}",
            )
        )
    return steps


def removal(chosen: Stage) -> list[Step]:
    """Return the steps that take a stage down; data of a stage that retains it stays."""
    return [
        Step(what="the edge", command=cdk("destroy", chosen, "edge") + " --force"),
        Step(what="the web function", command=f"{ZAPPA} undeploy {chosen.name}_web --yes"),
        Step(what="the worker function", command=f"{ZAPPA} undeploy {chosen.name}_worker --yes"),
        Step(what="the base", command=cdk("destroy", chosen, "base") + " --force"),
    ]


def difference(chosen: Stage) -> list[Step]:
    """Return the steps that show what a deployment would change."""
    return [Step(what=part, command=cdk("diff", chosen, part)) for part in ("base", "edge")]


def cdk(verb: str, chosen: Stage, part: str) -> str:
    """Return a CDK command for one of the stage's stacks, without its dependencies."""
    approval = " --require-approval never" if verb == "deploy" else ""
    return f"npx cdk {verb} {chosen.named(part)} --exclusively{approval}"


def run(steps: list[Step]) -> int:
    """Run the steps until one fails; return its exit status, or 0."""
    for number, step in enumerate(steps, 1):
        print(f"{number}/{len(steps)} {step.what}\n  $ {step.command}", flush=True)
        status = _run(step.command)
        if status and step.otherwise:
            print(f"  $ {step.otherwise}", flush=True)
            status = _run(step.otherwise)
        if status:
            print(f"error: step {number}, {step.what}, ended with {status}. Mend it and run the same again.")
            return status
    return 0


def _run(command: str) -> int:
    return subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, check=False).returncode


def _version() -> str:
    described = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return described.stdout.strip()


def main() -> None:
    """Deploy, destroy or compare a stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("deploy", "destroy", "diff"))
    parser.add_argument("stage", choices=[known.name for known in STAGES])
    parser.add_argument("--admin", default="", metavar="EMAIL", help="invite the first admin")
    parser.add_argument("--print", action="store_true", help="show the commands only")
    given = parser.parse_args()
    chosen = stage(given.stage)
    if given.what == "deploy":
        steps = deployment(chosen, os.environ.get("VERSION") or _version(), given.admin)
    else:
        steps = removal(chosen) if given.what == "destroy" else difference(chosen)
    if given.print:
        print("\n".join(step.command for step in steps))
        return
    (ROOT / ".local").mkdir(exist_ok=True)
    sys.exit(run(steps))


if __name__ == "__main__":
    main()
