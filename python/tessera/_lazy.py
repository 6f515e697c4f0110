"""Packages of scikit-learn's that import what somebody asks them for, so that a script starts sooner; and what is
to be done to modules once they have run.
"""

import ast
import functools
import importlib
import importlib.util
import sys

_waiting = {}  # by the name of a module: what to call when it has run


class _Loader:
    """Another loader, around whose work is done what subclasses say."""

    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):  # its source, its resources
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def _give_back(self, module):
        module.__loader__ = module.__spec__.loader = self._loader


class _ImportsLater(_Loader):
    """Of a package that hands on what is in its modules: each is imported when that is asked for."""

    def exec_module(self, module):
        name = module.__name__
        there, doc, names = _read(name)
        self._give_back(module)
        if not there:
            return self._loader.exec_module(module)
        parts = {part.removeprefix(f"{name}.").partition(".")[0] for part, _ in there.values() if part.startswith(f"{name}.")}

        def __getattr__(member):
            if member in there and there[member][0] != name:
                part, called = there[member]
                value = vars(module)[member] = getattr(importlib.import_module(part), called)
                return value
            if member in there or not member.startswith("__") and importlib.util.find_spec(f"{name}.{member}"):
                return importlib.import_module(f"{name}.{member}")
            raise AttributeError(f"module '{name}' has no attribute '{member}'")

        vars(module).update(__doc__=doc, __all__=list(names), __getattr__=__getattr__,
                            __dir__=lambda: sorted({*vars(module), *there, *parts}))


class _Tells(_Loader):
    def exec_module(self, module):
        self._give_back(module)
        self._loader.exec_module(module)
        if call := _waiting.pop(module.__name__, None):
            call()


class _Finder:
    """Before Python's own finders, which find the modules."""

    packages = ()

    def find_spec(self, name, path=None, target=None):
        kind = _Tells if name in _waiting else _ImportsLater if name.startswith(self.packages) and target is None else None
        if kind is None:
            return None
        after = sys.meta_path[sys.meta_path.index(self) + 1 :]  # those before have been asked
        others = (each.find_spec(name, path, target) for each in after if hasattr(each, "find_spec"))
        spec = next(filter(None, others), None)
        if spec is None or spec.loader is None or kind is _ImportsLater and not spec.submodule_search_locations:
            return spec
        spec.loader = kind(spec.loader)
        return spec


_finder = _Finder()
sys.meta_path.insert(0, _finder)


@functools.cache
def _read(package):
    """What the file of a package says that only hands on what is in its modules: of each member a module and the name
    there, its docstring, and ``__all__``. Of others nothing."""
    spec = importlib.util.find_spec(package)
    if not spec.submodule_search_locations or not spec.origin.endswith(".py"):
        return {}, None, []
    text, found, names = ast.parse(spec.loader.get_data(spec.origin)), {}, []
    for line in text.body:
        if isinstance(line, ast.ImportFrom) and line.names[0].name != "*":
            part = importlib.util.resolve_name("." * line.level + (line.module or ""), package)
            found |= {each.asname or each.name: (part, each.name) for each in line.names}
        elif isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "__all__":
            try:
                names = ast.literal_eval(line.value)
            except ValueError:  # it is computed, which takes what is imported
                return {}, None, []
        elif line is not text.body[0] or not isinstance(line, ast.Expr):
            return {}, None, []
    return found, ast.get_docstring(text, clean=False), names


def origin(package, member):
    """The module that a member of a package is defined in, as far as the package's file says so. It does not run."""
    found = _read(package)[0].get(member)
    return package if found is None else found[0]


def when_run(module, call):
    """Calls `call` once a module has run: now, or when somebody imports it."""
    if module in sys.modules:
        call()
    else:
        _waiting[module] = call


def forget():
    """Calls nothing any more."""
    _waiting.clear()


def start_sooner():
    """From now on scikit-learn's packages import what somebody asks them for."""
    _finder.packages = ("sklearn.",)
