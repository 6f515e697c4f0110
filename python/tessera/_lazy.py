"""Modules that run when somebody needs them, so that a script starts sooner; and what is to be done to
modules once they have run.
"""

import ast
import functools
import importlib
import importlib.util
import sys
import threading
import types

# What scikit-learn and SciPy import whole and hardly use.
_SELDOM = {"asyncio", "numpy.f2py", "numpy.testing", "sklearn.externals.array_api_extra"} | {
    f"scipy.{name}" for name in ("constants", "fft", "integrate", "interpolate", "linalg", "ndimage", "optimize", "signal",
                                 "sparse.csgraph", "sparse.linalg", "spatial", "spatial.transform", "special", "stats")}
# What a module of scikit-learn's imports if it is there, without a use for it. Where pandas has not been imported,
# scikit-learn need not ask whether it is given data frames.
_WITHOUT = {"sklearn.utils.fixes": "pandas"}
_runs = threading.local()  # .without: what the module that this thread runs does without
_waiting = {}  # by the name of a module: what to call when it has run


class _Later(types.ModuleType):
    """A module that has not run yet: it does when somebody asks for what is not there."""

    def __getattr__(self, name):
        self.__spec__.loader.run(self)
        return types.ModuleType.__getattribute__(self, name)

    def __dir__(self):
        self.__spec__.loader.run(self)
        return types.ModuleType.__dir__(self)


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


class _RunsLater(_Loader):
    def exec_module(self, module):
        self._lock, self._runs = threading.RLock(), False
        self._path = vars(module).pop("__path__", None)  # which whoever imports a part asks for
        module.__class__ = _Later

    def run(self, module):
        with self._lock:
            if self._runs or type(module) is not _Later:  # what this thread asks for is not there yet, or now is
                return
            self._runs = True
            if self._path is not None:
                module.__path__ = self._path
            try:
                self._loader.exec_module(module)
            except BaseException:
                sys.modules.pop(module.__name__, None)
                raise
            module.__class__ = types.ModuleType
            self._give_back(module)


class _ImportsLater(_Loader):
    """Of a package that hands on what is in its modules: each is imported when that is asked for."""

    def exec_module(self, module):
        name = module.__name__
        there, doc, names = _read(name)
        self._give_back(module)
        if not there:
            return self._loader.exec_module(module)
        parts = {part.removeprefix(f"{name}.") for part, _ in there.values() if part.startswith(f"{name}.")}

        def __getattr__(member):
            if member in there:
                part, called = there[member]
                if part != name:
                    value = getattr(importlib.import_module(part), called)
                    vars(module)[member] = value
                    return value
            if member in there or member in parts:
                return importlib.import_module(f"{name}.{member}")
            raise AttributeError(f"module '{name}' has no attribute '{member}'")

        vars(module).update(__doc__=doc, __all__=list(names), __getattr__=__getattr__,
                            __dir__=lambda: sorted({*vars(module), *there, *parts}))


class _DoesWithout(_Loader):
    def exec_module(self, module):
        self._give_back(module)
        _runs.without = _WITHOUT[module.__name__]
        try:
            self._loader.exec_module(module)
        finally:
            _runs.without = None


class _Tells(_Loader):
    def exec_module(self, module):
        self._give_back(module)
        self._loader.exec_module(module)
        if call := _waiting.pop(module.__name__, None):
            call()


class _Finder:
    """Before Python's own finders, which find the modules."""

    def __init__(self, seldom=frozenset(), packages=()):
        self.seldom, self.packages = seldom, packages

    def find_spec(self, name, path=None, target=None):
        if name == getattr(_runs, "without", None):
            raise ModuleNotFoundError(f"{name} is for whoever needs it", name=name)
        kind = (_Tells if name in _waiting else _RunsLater if name in self.seldom
                else None if not self.packages or not name.startswith(self.packages)
                else _DoesWithout if name in _WITHOUT else _ImportsLater)  # fmt: skip
        if kind is None:
            return None
        others = (each.find_spec(name, path, target) for each in sys.meta_path if each is not self)
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
            names = ast.literal_eval(line.value)
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
    """From now on scikit-learn's packages import what somebody asks them for, and large modules that are seldom needed
    run when they are."""
    _finder.seldom, _finder.packages = _SELDOM, ("sklearn.",)
