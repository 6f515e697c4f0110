"""Functions of arrays, made from C++'s tables: tessera.linalg, tessera.metrics."""

import inspect
import json

from . import _core
from ._arrays import Array, Stream, asarray, whole
from ._source import function_doc


def _signature(module, described):
    # Arrays that may be left out: SciPy's functions take them by position, scikit-learn's do not.
    left_out = (inspect.Parameter.POSITIONAL_OR_KEYWORD if module == "linalg"
                else inspect.Parameter.KEYWORD_ONLY)
    parameters = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        for name, _, optional in described["inputs"] if not optional
    ]
    for name, default, required, *_ in sorted(described["options"], key=lambda o: not o[2]):
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY,
                              default=inspect.Parameter.empty if required else default))
    for name, _, optional in described["inputs"]:
        if optional:
            parameters.append(inspect.Parameter(name, left_out, default=None))
    return inspect.Signature(sorted(parameters, key=lambda p: p.kind))


def make_function(module, described):
    """The function of tessera.`module` that C++ describes."""
    signature = _signature(module, described)
    inputs = [name for name, _, _ in described["inputs"]]
    options = {name: default for name, default, *_ in described["options"]}

    def function(*args, **kwargs):
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{described['name']}: {error}") from None
        operands = [given.pop(name, None) for name in inputs]
        # What is said as the default says it is not said. NumPy's functions stand for their names.
        said = {name: value.__name__ if callable(value) else value for name, value in given.items()
                if value is not None or options[name] is not None}
        ours = next((x for x in operands if isinstance(x, (Array, Stream))), None)
        keep, comm = isinstance(ours, Array), None if ours is None else ours.comm
        results = _core.run(
            module, described["name"],
            [None if x is None else asarray(x, comm=comm) for x in operands], said)
        out = tuple(json.loads(_out(x, keep), parse_int=float) if name == "json" else _out(x, keep) for name, x in results)
        return out[0] if len(out) == 1 else out

    function.__name__ = function.__qualname__ = described["name"]
    function.__module__ = f"tessera.{module}"
    function.__doc__ = function_doc(described)
    function.__signature__ = signature
    return function


def _out(x, keep):
    if x is None:
        return None
    if x.ndim == 0:
        value = whole(x, writable=True)
        return str(value) if x.categories else value[()]
    return x if keep else whole(x, writable=True)
