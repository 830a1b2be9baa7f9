"""Runs a command with a stage's names in its environment: ``python -m infra.run_with OUTPUTS.json dev COMMAND``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from databridge.startup import load_secrets
from infra.render import rendered
from infra.stages import stage


def main() -> None:
    """Replace this process by the command."""
    outputs, name, *command = sys.argv[1:]
    chosen = stage(name)
    empty = {f"{name}_web": {}, f"{name}_worker": {}}
    filled = rendered(empty, json.loads(Path(outputs).read_text()), chosen)
    os.environ.update(filled[f"{name}_web"]["aws_environment_variables"], AWS_DEFAULT_REGION=chosen.region)
    load_secrets()
    os.execvp(command[0], command)  # noqa: S606  (the command line of whoever deploys)


if __name__ == "__main__":
    main()
