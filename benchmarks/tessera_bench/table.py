"""The table of cases, and suites that users write in the same form."""

import ast
import math
import operator
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from . import data

TABLE = Path(__file__).with_name("cases.toml")
SCALING = ("strong", "weak")  # suites that run on several numbers of processes and threads
FIELDS = {"name": str, "call": str, "operands": list, "dtype": str, "params": dict, "per": str,
          "flops": str, "read": str, "write": str, "file": str, "check": dict, "sizes": dict}  # fmt: skip
REQUIRED = ("name", "call", "operands", "check", "sizes")
DTYPES = ("float32", "float64")
_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
              ast.Div: operator.truediv, ast.Pow: operator.pow}  # fmt: skip


class SuiteError(Exception):
    """A suite or an option that cannot be used; the text says what is wrong with which."""


def value_of(expression, sizes):
    """The number that an expression in the sizes means: names, numbers, + - * / **, log2 and brackets."""

    def value(node):
        if isinstance(node, ast.Expression):
            return value(node.body)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return node.value
        if isinstance(node, ast.Name) and node.id in sizes:
            return sizes[node.id]
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "log2" and len(node.args) == 1:
            return math.log2(value(node.args[0]))
        raise ValueError

    try:
        return value(ast.parse(str(expression).removeprefix("="), mode="eval"))
    except (ValueError, SyntaxError, ArithmeticError):
        raise SuiteError(f"'{expression}' must be an expression of numbers and "
                         f"{', '.join(sizes)} with + - * / ** and log2()") from None


@dataclass
class Case:
    """One line of the table at one size."""

    name: str
    call: str
    suite: str
    sizes: dict
    operands: list  # of (kind, shape)
    dtype: str = "float64"
    params: dict = field(default_factory=dict)
    per: str = ""
    flops: float = 0
    read: float = 0  # bytes
    write: float = 0  # bytes
    file: float = 0  # bytes that are read
    check: dict = field(default_factory=dict)
    entry: dict = field(default_factory=dict, repr=False)  # of the table

    @property
    def title(self):
        return f"{self.name}, {', '.join(f'{n}={v}' for n, v in self.sizes.items())}, {self.dtype}"

    @property
    def bytes(self):
        """Of all operands."""
        total = 0
        for _, shape in self.operands:
            elements = 1
            for extent in shape:
                elements *= extent
            total += elements * (4 if self.dtype == "float32" else 8)
        return total


def make_case(entry, suite, sizes):
    """The case of an entry of the table at one size."""
    where = f"case '{entry['name']}'"
    if not isinstance(sizes, dict) or not sizes or not all(type(v) is int and v > 0 for v in sizes.values()):
        raise SuiteError(f"{where}: sizes of suite '{suite}' must be tables of integers > 0, got {sizes!r}")
    operands = []
    for operand in entry["operands"]:
        kind, *shape = str(operand).split()
        if kind not in data.KINDS or not shape:
            raise SuiteError(f"{where}: an operand is a kind ({', '.join(data.KINDS)}) and its extents, "
                             f"got '{operand}'")
        operands.append((kind, tuple(int(value_of(extent, sizes)) for extent in shape)))
    dtype = entry.get("dtype", "float64")
    size = 4 if dtype == "float32" else 8
    params = {n: value_of(v, sizes) if isinstance(v, str) and v.startswith("=") else v
              for n, v in entry.get("params", {}).items()}
    return Case(entry["name"], entry["call"], suite, dict(sizes), operands, dtype, params, entry.get("per", ""),
                float(value_of(entry.get("flops", "0"), sizes)),
                float(value_of(entry.get("read", "0"), sizes)) * size,
                float(value_of(entry.get("write", "0"), sizes)) * size,
                float(value_of(entry.get("file", "0"), sizes)) * size, entry["check"], entry)


def _checked(entry, file):
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise SuiteError(f"{file}: a case needs a name")
    where = f"{file}: case '{entry['name']}'"
    for name in REQUIRED:
        if name not in entry:
            raise SuiteError(f"{where} lacks '{name}'")
    for name, value in entry.items():
        if name not in FIELDS:
            raise SuiteError(f"{where} has no field '{name}'; the fields are {', '.join(FIELDS)}")
        if not isinstance(value, FIELDS[name]):
            raise SuiteError(f"{where}: '{name}' must be a {FIELDS[name].__name__}, got {value!r}")
    if entry.get("dtype", "float64") not in DTYPES:
        raise SuiteError(f"{where}: dtype must be {' or '.join(DTYPES)}, got '{entry['dtype']}'")
    if entry["call"].count(".") not in (1, 2):
        raise SuiteError(f"{where}: call must be room.function or module.Class.method, got '{entry['call']}'")
    return entry


def entries(file=TABLE):
    """All entries of a table. SuiteError if it is none."""
    try:
        with open(file, "rb") as opened:
            found = tomllib.load(opened)
    except OSError as error:
        raise SuiteError(f"cannot read the suite '{file}': {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SuiteError(f"{file} is not TOML: {error}") from None
    if not isinstance(found.get("case"), list) or not found["case"]:
        raise SuiteError(f"{file} has no [[case]]")
    return [_checked(entry, file) for entry in found["case"]]


def suites():
    """The names of the suites of the table."""
    return list(dict.fromkeys(suite for entry in entries() for suite in entry["sizes"]))


def cases(suite, only=()):
    """The cases of a suite: one of the table, or all of a file. SuiteError if there are none."""
    known = suites()
    if suite in known:
        found = [make_case(entry, suite, sizes) for entry in entries() for sizes in entry["sizes"].get(suite, ())]
    elif Path(suite).suffix == ".toml" or Path(suite).exists():
        found = [make_case(entry, name, sizes) for entry in entries(suite)
                 for name, all_sizes in entry["sizes"].items() for sizes in all_sizes]
    else:
        raise SuiteError(f"suite must be one of {', '.join(known)} or a file in the form of {TABLE.name}, "
                         f"got '{suite}'")
    chosen = [case for case in found if not only or any(word.lower() in case.title.lower() for word in only)]
    if not chosen:
        raise SuiteError(f"no case of suite '{suite}' has {' or '.join(map(repr, only))} in its name; there are "
                         + ", ".join(dict.fromkeys(case.name for case in found)))
    return chosen
