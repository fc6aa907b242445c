"""cdk-nag's AwsSolutions rules, and the findings we accept: each with its own reason, at the construct it is about."""

from __future__ import annotations

import cdk_nag
from aws_cdk import Acknowledgment, App, Validations
from constructs import IConstruct


def check(app: App) -> None:
    """Run AwsSolutions over the app at synth; a finding that nobody acknowledged fails the synth."""
    Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept a finding of AwsSolutions (such as "S1") at the construct, and say why."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason))
