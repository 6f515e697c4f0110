"""scikit-learn's own classes, whose methods Tessera runs where it can.

The classes stay scikit-learn's, so isinstance, clone and pickles mean what they did. Replaced are
the methods that the class of that name in the registry has, too: each has Tessera's estimator do
the work, and falls through to scikit-learn's method where Tessera declines.
"""

import functools
import importlib
import inspect
import logging
import sys
import threading
import time
import weakref

import numpy as np
from sklearn.utils import check_random_state

from . import _core
from ._modules import _described, estimator_class

logger = logging.getLogger("tessera")

# How a call is declined before or while it runs. What else is raised ends it.
_REFUSALS = (ValueError, TypeError, NotImplementedError)
_SELDOM = ("fit_transform", "fit_predict")  # that the mixins of Tessera's classes have
_LEFT = ("SplineTransformer",)  # whose bsplines_, objects of SciPy's, scikit-learn alone would need
_members = {}  # of every class that is patched: what stood where, None where it was inherited
_plain_fit = {}  # of every such class: scikit-learn's fit
_fits = weakref.WeakKeyDictionary()  # of every estimator that Tessera has fitted: its _Fit
_said = set()
_theirs = set()  # ids of the estimators one of whose methods scikit-learn is running


def _few_rows(rows, cols, dtype):
    """X and y, positive, as some estimators want them; y of two classes."""
    x = np.random.RandomState(0).gamma(2.0, size=(rows, cols))
    return x.astype(dtype), 1 + np.arange(rows) % 2


def _run_theirs(original, theirs, *args, **kwargs):
    """Runs scikit-learn's method. What it calls of the same estimator is scikit-learn's, too: `fit` may
    be `partial_fit` of all rows."""
    outermost = id(theirs) not in _theirs
    _theirs.add(id(theirs))
    try:
        return original(theirs, *args, **kwargs)
    finally:
        if outermost:
            _theirs.discard(id(theirs))


@functools.cache
def _example(cls, dtype):
    """What scikit-learn's fit of a few rows with the default parameters leaves; {} if it cannot."""
    model = cls()
    if hasattr(model, "random_state"):
        model.random_state = 0  # None would draw from NumPy's global state
    try:
        _run_theirs(_plain_fit[cls], model, *_few_rows(20, 3, dtype))
    except _REFUSALS:
        return {}
    return vars(model)


def _as_theirs(cls, learnt):
    """Scalars of the types that scikit-learn has, where the default parameters show them. A Python
    0.0 among its attributes stands for what it has not computed."""
    dtype = next((value.dtype for value in learnt.values()
                  if isinstance(value, np.ndarray) and value.dtype.kind == "f"), np.dtype(float))
    example = _example(cls, dtype)
    for name, value in learnt.items():
        there = example.get(name)
        if type(value) is int and isinstance(there, np.number):
            learnt[name] = type(there)(value)
        elif type(value) is float and value != 0.0 and (type(there) is not float or there == 0.0):
            learnt[name] = (type(there) if isinstance(there, np.number) else dtype.type)(value)
    return learnt


class _Declined(Exception):
    """Why Tessera leaves a call to scikit-learn; `expected` is not worth a warning."""

    def __init__(self, why, expected=False):
        super().__init__(why)
        self.expected = expected


class _Fit:
    """The estimator of Tessera behind one of scikit-learn, and the members this had of it."""

    def __init__(self, ours, members):
        self.ours = ours
        self.members = members
        self.completed = False

    def is_of(self, theirs):
        """Whether nobody has set a parameter or an attribute since."""
        own = vars(theirs)
        return all(own.get(name, self) is value for name, value in self.members.items())


def _check_usual(theirs, args, kwargs):
    """Declines what Tessera would not refuse, but not do as scikit-learn does either."""
    X = args[0] if args else kwargs.get("X")
    if getattr(X, "dtype", None) == np.float16:
        raise _Declined("X is float16")
    if vars(theirs).get("_skl_callbacks"):
        raise _Declined("it has callbacks")


def _learn(ours_class, names, method, theirs, args, kwargs):
    own = vars(theirs)
    fit = _fits.get(theirs)
    if method == "partial_fit" and "n_features_in_" in own:
        if fit is None or not fit.is_of(theirs):
            raise _Declined("it was fitted by scikit-learn", expected=True)
        ours = fit.ours
    else:
        params = {name: own[name] for name in names}
        if "random_state" in params:  # None is NumPy's global state
            given = params["random_state"]
            params["random_state"] = check_random_state(None) if given is None else given
        if params.get("warm_start") and "n_features_in_" in own:
            if fit is None or any(own.get(name) is not value for name, value in fit.members.items()
                                  if name not in names):
                raise _Declined("it goes on from what scikit-learn or its user has set")
            ours = fit.ours.set_params(**params)
        else:
            ours = ours_class(**params)
    if "_sklearn_output_config" in own:
        ours._sklearn_output_config = own["_sklearn_output_config"]
    result = getattr(ours, method)(*args, **kwargs)
    learnt = _as_theirs(type(theirs), {
        name: value for name, value in vars(ours).items()
        if name.endswith("_") and not name.startswith("_")
    })
    for name in [*(fit.members if fit else ()), "feature_names_in_"]:
        if name not in learnt and name not in names:
            own.pop(name, None)
    own.update(learnt)
    _fits[theirs] = _Fit(ours, learnt | {name: own[name] for name in names})
    return theirs if result is ours else result


def _use(method, theirs, args, kwargs):
    fit = _fits.get(theirs)
    if fit is None:
        raise _Declined("it was fitted by scikit-learn", expected=True)
    if not fit.is_of(theirs):
        raise _Declined("a parameter or an attribute was set after the fit")
    if "_sklearn_output_config" in vars(theirs):
        fit.ours._sklearn_output_config = theirs._sklearn_output_config
    return getattr(fit.ours, method)(*args, **kwargs)


def _complete(theirs):
    """Gives scikit-learn's own code the private members that it looks for beside the attributes:
    those that its fit leaves, here of a few random rows."""
    fit = _fits.get(theirs)
    if fit is None or fit.completed:
        return
    fit.completed = True
    own, cls = vars(theirs), type(theirs)
    rows = max([10, *(len(value) for value in fit.members.values()
                     if isinstance(value, np.ndarray) and value.ndim > 0)])
    small = cls(**{name: own[name] for name in inspect.signature(cls).parameters})
    if "random_state" in own:
        small.random_state = 0
    try:
        _run_theirs(_plain_fit[cls], small, *_few_rows(rows, theirs.n_features_in_, float))
    except _REFUSALS:
        return
    for name, value in vars(small).items():
        if name.startswith("_") and name not in own:
            own[name] = getattr(fit.ours, name, value)


def _say(call, why, expected=False):
    """A line on who runs a call; of a fall it is a warning, once for each reason."""
    if _core.rank() > 0:
        return
    level = logging.INFO
    if why is not None and not expected and (call, why) not in _said:
        _said.add((call, why))
        level = logging.WARNING
    if why is None:
        logger.log(level, "%s ran in Tessera", call)
    else:
        logger.log(level, "%s runs in scikit-learn: %s", call, why)


def _dispatching(cls, ours_class, method, original):
    """The method of `cls` that tries Tessera first."""
    names = list(inspect.signature(ours_class).parameters)
    learns = method.startswith(("fit", "partial_fit"))
    label = f"{cls.__name__}.{method}"

    @functools.wraps(original)
    def run(self, *args, **kwargs):
        if id(self) in _theirs:
            return original(self, *args, **kwargs)
        expected = False
        try:
            if type(self) is not cls:
                raise _Declined(f"{type(self).__name__} is a subclass")
            if _core.size() > 1 and threading.current_thread() is not threading.main_thread():
                raise _Declined("in a job of several processes only the main thread calls Tessera")
            _check_usual(self, args, kwargs)
            if learns:
                result = _learn(ours_class, names, method, self, args, kwargs)
            else:
                result = _use(method, self, args, kwargs)
        except _Declined as declined:
            why, expected = str(declined), declined.expected
        except _REFUSALS as refusal:
            why = " ".join(str(refusal).split())
        else:
            _say(label, None)
            return result
        _say(label, why, expected)
        if method == "fit":
            _fits.pop(self, None)
        else:
            _complete(self)
        return _run_theirs(original, self, *args, **kwargs)

    return run


def _missing(self, name):
    """Completes the estimator when scikit-learn's code looks for a private member."""
    if name.startswith("_") and not name.startswith(("__", "_skl", "_repr")):
        _complete(self)
    return object.__getattribute__(self, name)


def _state(original):
    @functools.wraps(original)
    def __getstate__(self):
        _complete(self)
        return original(self)

    return __getstate__


def _replace(cls, name, member):
    _members[cls][name] = cls.__dict__.get(name)
    setattr(cls, name, member)


def _originals(cls, ours_class):
    """What scikit-learn has of what is to be replaced."""
    methods = [*(each["name"] for each in ours_class._described["methods"]), *_SELDOM]
    return {method: getattr(cls, method) for method in methods
            if hasattr(cls, method) and hasattr(ours_class, method)}


def _patch(cls, ours_class, originals):
    _members[cls] = {}
    _plain_fit[cls] = originals["fit"]
    for method, original in originals.items():
        _replace(cls, method, _dispatching(cls, ours_class, method, original))
    _replace(cls, "__getstate__", _state(cls.__getstate__))
    if not hasattr(cls, "__getattr__"):
        _replace(cls, "__getattr__", _missing)


def patch_sklearn(verbose=False):
    """Has Tessera run scikit-learn's own classes, of which it has the same.

    Parameters, results and seeds mean what they do in scikit-learn. What Tessera declines (a value of
    a parameter, sparse input, a subclass) runs in scikit-learn, and the logger "tessera" says why.

    Parameters
    ----------
    verbose : bool, default=False
        Whether every call is logged to the standard error, also those that Tessera runs.
    """
    if verbose:
        logger.setLevel(logging.INFO)
        if not logger.handlers:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
            logger.addHandler(handler)
    found = []  # all before the first is patched, for some inherit from others
    for name, described in _described.items():
        cls = getattr(importlib.import_module(f"sklearn.{described['module']}"), name, None)
        if cls is not None and cls not in _members and name not in _LEFT:
            found.append((cls, estimator_class(name), _originals(cls, estimator_class(name))))
    for each in found:
        _patch(*each)


def unpatch_sklearn():
    """Has scikit-learn run its classes again, also those that Tessera has fitted."""
    for estimator in list(_fits):
        _complete(estimator)
    _fits.clear()
    for cls, members in _members.items():
        for name, member in members.items():
            if member is None:
                delattr(cls, name)
            else:
                setattr(cls, name, member)
    _members.clear()
    _example.cache_clear()
