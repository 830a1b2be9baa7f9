"""The CDK app: ``cdk --app 'python -m infra.app' ...`` from the project's root, or ``make deploy``."""

from __future__ import annotations

from aws_cdk import App, Environment, Validations
from cdk_nag import AwsSolutionsChecks

from infra.base import Base
from infra.edge import Edge
from infra.nag import accepted
from infra.stages import STAGES


def build(folder: str | None = None) -> App:
    """Return the app with every stage's two stacks, to be synthesised into a folder; CDK's command names its own.

    Synthesising raises when cdk-nag finds something that ``nag.py`` does not accept.
    """
    app = App(outdir=folder, context={"@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True})
    bases = []
    for stage in STAGES:
        place = Environment(account=stage.account, region=stage.region)
        base = Base(app, stage.named("base"), stage=stage, env=place)
        edge = Edge(app, stage.named("edge"), stage=stage, base=base, env=place)
        edge.add_stack_dependency(base)
        bases.append(base)
    Validations.of(app).acknowledge(*accepted(bases))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


if __name__ == "__main__":
    build().synth()
