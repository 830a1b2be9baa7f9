"""The embedded AWS: moto's server and a local Lambda, started by themselves on a developer's machine."""

from databridge.local.stack import Stack, ensure

__all__ = ["Stack", "ensure"]
