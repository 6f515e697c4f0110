"""Writes the stubs of the package that is built in a folder: python stubs.py FOLDER/tessera.

The binding's are nanobind's; those of what Python makes of C++'s lists are made from these lists.
"""

import importlib
import inspect
import re
import sys
import types
from pathlib import Path

from nanobind.stubgen import StubGen

folder = Path(sys.argv[1])
package = types.ModuleType("tessera")  # without its __init__, which starts MPI
package.__path__ = [str(folder)]
sys.modules["tessera"] = package
core = importlib.import_module("tessera._core")
source = importlib.import_module("tessera._source")
importlib.import_module("tessera._arrays")  # adds to the classes of the binding

HEAD = '''from collections.abc import Mapping, Sequence
from typing import Any, Literal, overload

from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from typing_extensions import Self

from tessera import Array, Stream
'''
# scikit-learn has no stubs: a class with its bases would have any member at all.
CORE = """from os import PathLike
from typing import Any

from typing_extensions import Self

class Core:
    def get_params(self, deep: bool = True) -> dict[str, Any]: ...
    def set_params(self, **params: Any) -> Self: ...
    def get_metadata_routing(self) -> Any: ...
    def save(self, path: str | PathLike[str]) -> None: ...
"""
TRANSFORMER = """def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any: ...
def set_output(self, *, transform: str | None = None) -> Self: ...
def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]: ...
"""
# What the texts of allowed values name, as types.
KINDS = [
    (r"str among \{(.*?)\}", r"Literal[\1]"),
    (r"one of ([\w, -]+)", None),
    (r"\ba str\b(?! among)", "str"),
    (r"True or False|\ba bool\b", "bool"),
    (r"\ban int\b", "int"),
    (r"\d ints\b", "Sequence[int]"),
    (r"\ba float\b|\ba number\b", "float"),
    (r"\ban array\b", "ArrayLike"),
    (r"\ba list\b|\ba tuple\b", "Sequence[Any]"),
    (r"\ba mapping\b|\ba dict\b", "Mapping[Any, Any]"),
    (r"\ban estimator\b|\ba label\b", "Any"),
    (r"\bNone\b", "None"),
    (r"^2 numbers \(LR", "dict[str, float]"),
    (r"fro or nuc", "Literal['fro', 'nuc']"),
]


def annotation(name, default, allowed):
    found = []
    for pattern, kind in KINDS:
        match = re.search(pattern, allowed)
        if match and kind is None:
            words = [None if word == "None" else word for word in match[1].split(", ")]
            numbers = words[-1] == "or numbers"
            words = words[: len(words) - numbers]
            kind = f"Literal[{', '.join(map(repr, words))}]" + " | ArrayLike" * numbers
            if "nan" in words:  # numbers, which are words to the program
                kind += " | float"
        if match:
            found.append(match.expand(kind) if r"\1" in kind else kind)
    if isinstance(default, float) and "float" not in found:
        found.append("float")
    if name == "random_state":
        found.append("RandomState")
    if default is None and "None" not in found:
        found.append("None")
    return " | ".join(found) or "Any"


def method(described, others=()):
    """A method; results are what X is."""
    name, kind = described["name"], described["kind"]
    if name == "predict" and "predict_std" in others:
        return "def predict(self, X: ArrayLike | Array | Stream, return_std: bool = False) -> Any: ...\n"
    if name == "get_support":
        return "def get_support(self, indices: bool = False) -> NDArray[Any]: ...\n"
    given = source.arguments(described)
    head = ["self", *(
        "X: ArrayLike | Array | Stream" if each == "X"
        else f"{each}: ArrayLike | {'' if each == 'classes' else 'Array | '}None = None"
        for each in given
    )]
    if kind == "map":
        several = described["outputs"] > 1
        text = ""
        for taken, out in [("Array", "Array"), ("Stream", "Stream"), ("ArrayLike", "NDArray[Any]")]:
            result = f"tuple[{out}, ...]" if several else out
            ignore = "  # type: ignore[overload-overlap]" if taken == "Array" else ""
            text += f"@overload\ndef {name}(self, X: {taken}) -> {result}: ...{ignore}\n"
        return text
    result = {"learn": "Self", "measure": "float", "tell": "NDArray[Any]"}[kind]
    return f"def {name}({', '.join(head)}) -> {result}: ...\n"


def estimator(described):
    kinds = {name: annotation(name, default, allowed)
             for name, default, allowed, _ in described["parameters"]}
    init = source.init_source(described["parameters"], kinds).partition("\n")[0]
    body = f'"""{source.class_doc(described)}"""\n\n'
    body += "".join(f"{name}: {kind}\n" for name, kind in kinds.items())
    fitted = [name for name, _ in described["attributes"] if not name.startswith("_")]
    body += "".join(f"{name}: Any\n" for name in [*fitted, "n_features_in_", "feature_names_in_"])
    body += f"{init[:-1]} -> None: ...\n" + "".join(
        method(each, {other["name"] for other in described["methods"]}) for each in described["methods"])
    names = {each["name"] for each in described["methods"]}
    if "transform" in names:
        body += TRANSFORMER
    if described["role"] == "clusterer":
        body += "def fit_predict(self, X: Any, y: Any = None, **kwargs: Any) -> Any: ...\n"
    return f"class {described['name']}(Core):\n{source.indented(body)}"


def function(module, described):
    inputs = described["inputs"]
    left_out = [f"{name}: ArrayLike | Array | None = None" for name, _, optional in inputs if optional]
    head = [f"{name}: ArrayLike | Array" for name, _, optional in inputs if not optional]
    options = sorted(described["options"], key=lambda option: not option[2])
    if module == "linalg":  # where they are by position, too
        head, left_out = head + left_out, []
    head += ["*"] if options or left_out else []
    for name, default, required, allowed, _ in options:
        kind = annotation(name, None if required else default, allowed)
        head.append(f"{name}: {kind}" + ("" if required else f" = {default!r}" if default == default else " = ..."))
    head += left_out
    doc = source.indented(f'"""{source.function_doc(described)}"""')
    return f"def {described['name']}({', '.join(head)}) -> Any:\n{doc}\n"


def operators():
    """Those of the array object of the array API standard."""
    text = ""
    for short in standards._OPERATORS:
        text += "".join(f"def __{kind}{short}__(self, other: Array | complex, /) -> Array: ...\n" for kind in ("", "r", "i"))
    for short in standards._COMPARISONS:
        other = "object" if short in ("eq", "ne") else "Array | complex"
        ignore = "  # type: ignore[override]" if other == "object" else ""
        text += f"def __{short}__(self, other: {other}, /) -> Array: ...{ignore}\n"
    text += "".join(f"def __{short}__(self) -> Array: ...\n" for short in standards._UNARY)
    for name, kind in [("bool", "bool"), ("int", "int"), ("float", "float"), ("complex", "complex"), ("index", "int")]:
        text += f"def __{name}__(self) -> {kind}: ...\n"
    text += "def __getitem__(self, key: Any, /) -> Array: ...\n"
    text += "def __setitem__(self, key: Any, value: Array | complex, /) -> None: ...\n"
    text += "def __iter__(self) -> Iterator[Array]: ...\n"
    text += "def __array_namespace__(self, *, api_version: str | None = None) -> Any: ...\n"
    text += "def to_device(self, device: str, /, *, stream: Any = None) -> Array: ...\n"
    return text + "@property\ndef T(self) -> Array: ...\n@property\ndef mT(self) -> Array: ...\n"


BESIDE = ("random", "scipy_fft", "ndimage")  # parts of the table that are no part of the standard


def standard():
    """The namespace of the array API standard."""
    several = ("broadcast_arrays", "meshgrid", "nonzero", "unstack")
    spaces = {"": ""}
    results = ""
    for space, name, parameters, doc, fields in core.array_functions():
        if space in BESIDE:
            continue
        given = []
        for one in parameters.split(", "):
            called, _, default = one.partition("=")
            kind = "Array" if called in ("x", "*arrays") else "Array | complex" if called in ("x1", "x2") else "Any"
            given.append(called if called in ("/", "*") else f"{called}: {kind}" + (f" = {default}" if default else ""))
        out = "tuple[Array, ...]" if name in several else "builtins.bool" if name == "can_cast" else "Array"
        if fields:
            out, *each = fields.split()
            results += f"class {out}(NamedTuple):\n" + "".join(f"    {field}: Array\n" for field in each) + "\n"
        spaces[space] = spaces.get(space, "") + ("@staticmethod\n" if space else "") + (
            f'def {name}({", ".join(given)}) -> {out}:\n    """{doc}"""\n')
    text = spaces.pop("")
    made = {name for _, name, *_ in core.array_functions()}
    for name in standards.__all__:
        member = getattr(standards, name)
        if isinstance(member, types.FunctionType) and name not in made:
            text += f'def {name}{inspect.signature(member)} -> Any:\n    """{inspect.getdoc(member)}"""\n'
        elif name in standards._NAMES:
            text += f"{name}: Any\n"
        elif isinstance(member, float | str | None):
            text += f"{name}: {type(member).__name__.replace('NoneType', 'None')}\n"
    spaces = "".join(f"class {space}:\n{source.indented(inside)}\n" for space, inside in spaces.items())
    return "import builtins\nfrom typing import Any, NamedTuple\n\nfrom tessera import Array\n\n" + results + text + spaces


def beside(name):
    """A module of functions beside the standard, as Python makes them."""
    module = importlib.import_module(f"tessera.{name}")
    made = {each: f for each, f in vars(module).items() if isinstance(f, types.FunctionType) and each[0] != "_"}
    return "from typing import Any\n\n" + "".join(
        f'def {each}{inspect.signature(f)} -> Any:\n    """{inspect.getdoc(f)}"""\n' for each, f in made.items())


def write(name, text):
    (folder / f"{name}.pyi").write_text(text)


estimators, tables = core.estimators(), core.functions()
modules = sorted({each["module"] for each in estimators})
for module in {*modules, *tables}:
    inside = [estimator(each) for each in estimators if each["module"] == module]
    head = "from tessera._estimator import Core\n\n" if inside else "\n"
    inside += (function(module, each) for each in tables.get(module, ()))
    write(module, HEAD + head + "\n".join(inside))
write("_estimator", CORE)
init = (folder / "__init__.py").read_text()
write("__init__", init + "".join(f"from . import {m} as {m}\n" for m in sorted({*modules, *tables})))
# With what Python adds to them, as if it were the binding's.
for cls in core.Array, core.Stream, core.Communicator:
    cls.__module__ = core.__name__
    for name, member in vars(cls).items():
        for added in member, getattr(member, "fget", None):
            if isinstance(added, types.FunctionType):
                added.__name__, added.__qualname__ = name, f"{cls.__name__}.{name}"
                added.__module__ = core.__name__
stub = StubGen(core)
stub.put(core)
# Array has a member that is called numpy, and members that come with the standard's namespace.
text = re.sub(r"(__eq__\(self, \w+): \w+", r"\1: object", stub.get())
text = re.sub(r"\bnumpy\.(ndarray|dtype)\b", r"np.\1", text)
standards = importlib.import_module("tessera.array_api")  # adds to Array, of which the stub is made
text = re.sub(r"(class Array:\n.*?\n\n)", lambda head: head[1] + source.indented(operators()) + "\n", text, count=1, flags=re.S)
write("_core", f"from collections.abc import Iterator\nfrom typing import Any\n\nimport numpy as np\n{text}\n__version__: str\n")
write("array_api", standard())
for name in ("fft", "ndimage", "random"):
    write(name, beside(name))
