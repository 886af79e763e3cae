"""Finding what a package offers: each module exports exactly one constant, found by a sorted walk."""

import importlib
import pkgutil
from types import ModuleType
from typing import Any


def exported(package: ModuleType, constant: str) -> list[Any]:
    """The `constant` of every module directly in `package`, in the order of module names.

    Raises:
        TypeError: a module does not export it.
    """
    found = []
    for module_info in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        if module_info.ispkg:
            continue
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        if not hasattr(module, constant):
            raise TypeError(f"{module.__name__} must export {constant}")
        found.append(getattr(module, constant))
    return found
