"""Functions of linear algebra, made from C++'s table."""

import inspect

import numpy as np

from . import _core
from ._arrays import Array, asarray
from ._source import function_doc


def _signature(described):
    parameters = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        for name, _, _ in described["inputs"]
    ]
    for name, default, required, _, _ in sorted(described["options"], key=lambda o: not o[2]):
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY,
                              default=inspect.Parameter.empty if required else default))
    return inspect.Signature(parameters)


def make_function(described):
    signature = _signature(described)
    inputs = [name for name, _, _ in described["inputs"]]
    options = {name: default for name, default, _, _, _ in described["options"]}

    def function(*args, **kwargs):
        given = signature.bind(*args, **kwargs).arguments
        operands = [given.pop(name) for name in inputs]
        # What is said as the default says it is not said.
        said = {name: value for name, value in given.items()
                if value is not None or options[name] is not None}
        keep = any(isinstance(x, Array) for x in operands)
        results = _core.linalg(described["name"], [asarray(x) for x in operands], said)
        out = tuple(_out(x, keep) for _, x in results)
        return out[0] if len(out) == 1 else out

    function.__name__ = function.__qualname__ = described["name"]
    function.__module__ = "tessera.linalg"
    function.__doc__ = function_doc(described)
    function.__signature__ = signature
    return function


def _out(x, keep):
    if x.ndim == 0:
        return x.numpy(writable=True)[()]
    return x if keep else x.numpy(writable=True)
