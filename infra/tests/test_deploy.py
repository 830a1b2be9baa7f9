"""The commands that bring a stage up and down, and the settings that they fill in."""

from __future__ import annotations

import json

import pytest

from infra.deploy import Step, deployment, difference, removal, run
from infra.render import SETTINGS, OutputsMissing, rendered
from infra.stages import stage

OUTPUTS = {
    "databridge-dev-base": {
        "Bucket": "databridge-erp-dev-111111111111",
        "UserPoolId": "eu-west-1_abc",
        "ClientId": "client",
        "WebRoleArn": "arn:aws:iam::111111111111:role/databridge-dev-web-role",
        "WorkerRoleArn": "arn:aws:iam::111111111111:role/databridge-dev-worker-role",
        "SigningKeyName": "databridge/dev/signing-key",
        "MachineClients": "machine-1,machine-2",
    }
}


def test_both_functions_get_their_role_and_the_names_of_the_stage():
    filled = rendered(json.loads(SETTINGS.read_text()), OUTPUTS, stage("dev"))
    web, worker = filled["dev_web"], filled["dev_worker"]
    assert web["role_arn"].endswith("web-role")
    assert worker["role_arn"].endswith("worker-role")
    assert web["extends"] == "base"
    assert worker["timeout_seconds"] == 900
    environment = web["aws_environment_variables"]
    assert environment == worker["aws_environment_variables"]
    assert environment["DATABRIDGE_STAGE"] == "dev"
    assert environment["DATABRIDGE_WORKER_FUNCTION"] == "databridge-dev-worker"
    assert environment["DATABRIDGE_HOSTS"] == ".execute-api.eu-west-1.amazonaws.com"
    assert environment["DATABRIDGE_PREFIX"] == "/dev"
    assert environment["DATABRIDGE_MACHINE_CLIENTS"] == "machine-1,machine-2"
    assert environment["DATABRIDGE_MFA_REQUIRED"] == "false"
    assert not any("SECRET" in name for name in environment)


def test_other_stages_are_left_alone():
    before = json.loads(SETTINGS.read_text())
    after = rendered(before, OUTPUTS, stage("dev"))
    assert {name: after[name] for name in after if not name.startswith("dev_")} == {
        name: before[name] for name in before if not name.startswith("dev_")
    }


def test_a_base_that_is_not_there_is_said():
    with pytest.raises(OutputsMissing, match="databridge-prod-base"):
        rendered(json.loads(SETTINGS.read_text()), OUTPUTS, stage("prod"))


def test_functions_come_between_base_and_edge():
    commands = [step.command for step in deployment(stage("staging"), "abc123", "you@example.com")]
    order = [
        next(at for at, command in enumerate(commands) if text in command)
        for text in (
            "staging-base",
            "infra.render",
            "docker build",
            "docker push",
            "staging_worker",
            "staging_web",
            "staging-edge",
            "create_admin",
        )
    ]
    assert order == sorted(order)


def test_edge_goes_before_base_and_prod_keeps_its_data():
    commands = [step.command for step in removal(stage("prod"))]
    assert "prod-edge" in commands[0]
    assert "prod-base" in commands[-1]
    assert len(difference(stage("prod"))) == 2


def test_a_failed_step_stops_and_says_which(capsys):
    steps = [Step(what="one", command="true"), Step(what="two", command="exit 3"), Step(what="three", command="true")]
    assert run(steps) == 3
    told = capsys.readouterr().out
    assert "error: step 2, two" in told
    assert "three" not in told


def test_a_function_that_is_not_there_yet_is_deployed():
    assert run([Step(what="function", command="false", otherwise="true")]) == 0
