"""tessera.cluster, tessera.linalg, ...: made from C++'s lists when they are first looked into."""

import importlib.machinery
import os
import sys
import types
from functools import partial

from . import _core
from ._comm import communicator

_described = {each["name"]: each for each in _core.estimators()}
_classes = {}


def estimator_class(name):
    """The class of that name. The first one imports scikit-learn."""
    if name not in _classes:
        from ._estimator import make_class

        _classes[name] = make_class(_described[name])
    return _classes[name]


def all_estimators():
    """Names and classes of all estimators there are."""
    return [(name, estimator_class(name)) for name in _described]


def load(path, *, comm=None):
    """The fitted estimator in a model file of Tessera, on the processes of `comm`. Collective."""
    live = _core.load(os.fspath(path), communicator(comm))
    return estimator_class(live.name)._of_live(live)


def _wrap(name, params, live):
    made = estimator_class(name)
    if live is None:
        return made(**params)
    return made._of_live(live)


class _Lazy(types.ModuleType):
    """A module whose members are made when they are asked for."""

    def __init__(self, name, doc, names, make):
        super().__init__(name, doc)
        self.__all__ = sorted(names)
        self.__path__ = []
        self.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        self._make = make

    def __getattr__(self, name):
        if name in self.__dict__.get("__all__", ()):
            value = self._make(name)
            setattr(self, name, value)
            return value
        raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")

    def __dir__(self):
        return list(self.__all__)


def _function(module, described):
    from ._functions import make_function

    return make_function(module, described)


def _add(short, doc, members):
    """`members`: for each name what makes it."""
    full = f"tessera.{short}"
    module = _Lazy(full, doc, members, lambda name: members[name]())
    sys.modules[full] = module
    setattr(sys.modules["tessera"], short, module)


_members = {}
for _name, _each in _described.items():
    _members.setdefault(_each["module"], {})[_name] = partial(estimator_class, _name)
for _module, _table in _core.functions().items():
    _members.setdefault(_module, {}).update(
        {_each["name"]: partial(_function, _module, _each) for _each in _table})
_docs = {"linalg": "Linear algebra with SciPy's names.",
         "metrics": "How good predictions are, with the names of sklearn.metrics."}
for _module in sorted(_members):
    _add(_module, _docs.get(_module, f"What Tessera has of sklearn.{_module}."), _members[_module])
_core.set_wrapper(_wrap)
