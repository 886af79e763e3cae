"""The real kubectl and a real engine, as the tests of kubectl have them."""

from tests.kubectl.conftest import kubectl

__all__ = ["kubectl"]
