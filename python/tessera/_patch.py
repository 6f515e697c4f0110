"""scikit-learn's own classes, whose methods Tessera runs where it can.

The classes stay scikit-learn's, so isinstance, clone and pickles mean what they did. Replaced are
the methods that the class of that name in the registry has, too: each has Tessera's estimator do
the work, and falls through to scikit-learn's method where Tessera declines.
"""

import contextlib
import copy
import functools
import importlib
import inspect
import logging
import sys
import threading
import warnings
import weakref

import joblib
import numpy as np
import scipy.sparse
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.metaestimators import available_if

from . import _core, _lazy
from ._modules import _described, estimator_class

logger = logging.getLogger("tessera")

# How a call is declined before or while it runs. What else is raised ends it.
_REFUSALS = (ValueError, TypeError, NotImplementedError)
_PLAIN = frozenset((str, int, float, bool, type, type(None)))
_SELDOM = ("fit_transform", "fit_predict")  # that the mixins of Tessera's classes have
_members = {}  # of every class that is patched: what stood where, None where it was inherited
_plain_fit = {}  # of every such class: scikit-learn's fit
_classes_of = {}  # of every class of Tessera's: scikit-learn's
_fits = weakref.WeakKeyDictionary()  # of every estimator that Tessera has fitted: its _Fit
_said = set()
_theirs = set()  # ids of the estimators one of whose methods scikit-learn is running
_plain = threading.local()  # .on while nothing runs in Tessera


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


def _samples(features, dtype, classes):
    """Small X and y of several kinds: positive numbers; others; a constant column and values that come
    again; NaN, too. y is of these classes."""
    rows = max(20, 4 * len(classes))
    x, other = np.random.RandomState(0).gamma(2.0, size=(2, rows, features))
    repeated = np.floor(2 * x)
    repeated[:, 0] = 1
    missing = repeated.copy()
    missing[::5, -1] = np.nan
    return [(each.astype(dtype), np.resize(classes, rows)) for each in (x, other, repeated, missing)]


def _fitted(cls, params, data):
    """scikit-learn's estimator fitted to each of `data` that it takes."""
    found = []
    _plain.on = True
    try:
        for x, y in data:
            model = cls(**params)
            if hasattr(model, "random_state"):
                model.random_state = 0  # None would draw from NumPy's global state
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found.append(_plain_fit[cls](model, x, y))
            except _REFUSALS:
                continue
    finally:
        _plain.on = False
    return found


def _agreed(models):
    """The members that do not depend on the data, for all models have them."""
    first = vars(models[0]) if models else {}
    return {name: value for name, value in first.items()
            if len({joblib.hash(vars(each).get(name)) for each in models}) == 1}


@functools.cache
def _example(cls, dtype):
    """What scikit-learn's fit of a few rows with the default parameters leaves; {} if it cannot."""
    models = _fitted(cls, {}, _samples(3, dtype, np.array([1, 2]))[:1])
    return vars(models[0]) if models else {}


_needs = {}  # of a class and parameters
_refused = {}  # of a class, parameters and kind of X that Tessera does not take: why


@functools.cache
def _known(ours_class):
    """What an estimator of Tessera's has of the members of scikit-learn's."""
    return {*inspect.signature(ours_class).parameters, "n_features_in_", "feature_names_in_", "_n_features_out",
            *(name for name, _ in ours_class._described["attributes"])}


@functools.cache
def _is_whole(cls, ours_class, dtype=np.dtype(float)):
    """Whether Tessera's estimator has all that scikit-learn's has after a fit of that dtype."""
    return not _example(cls, dtype).keys() - _known(ours_class)


def _needed(cls, ours_class, params, X):
    """What scikit-learn's methods look for after its fit that depends on the data, beyond the number of
    columns and the classes, and that Tessera's estimator does not have."""
    single = isinstance(X, np.ndarray) and X.dtype == np.float32
    if _is_whole(cls, ours_class, np.dtype(np.float32 if single else np.float64)):
        return ()
    known = _known(ours_class)
    key = cls, repr({name: value for name, value in params.items() if name != "random_state"})
    if key not in _needs:
        models = _fitted(cls, params, _samples(3, float, np.array([1, 2])))
        agreed = _agreed(models)
        _needs[key] = tuple(name for name in (vars(models[0]) if models else ())
                            if name not in known and name not in agreed and _looks_for(models[0], name))
    return _needs[key]


def _looks_for(model, name):
    """Whether one of the methods that map rows fails without that member, but not with it."""
    x = _samples(model.n_features_in_, float, np.array([1, 2]))[0][0]
    without = copy.copy(model)
    delattr(without, name)

    def fails(which, method):
        try:
            getattr(which, method)(x)
        except Exception:
            return True
        return False

    _plain.on = True
    try:
        return any(fails(without, method) and not fails(model, method)
                   for method in ("predict", "transform") if hasattr(model, method))
    finally:
        _plain.on = False


def _rows_of(categories, names):
    """Rows in which every category comes, a data frame where columns have names or dtypes of their own."""
    rows = max(len(each) for each in categories)
    columns = [np.resize(each, rows) for each in categories]
    if names is None and len({each.dtype for each in categories}) == 1:
        return np.stack(columns, axis=1)
    try:
        import pandas
    except ImportError:
        raise _Declined("its columns have names or dtypes of their own, and there is no pandas") from None
    return pandas.DataFrame(dict(zip(range(len(columns)) if names is None else names, columns)))


def _beside(cls, params, learnt, needed):
    """What scikit-learn needs beside the attributes, if these determine it; else None. That is what is
    the same for all small data that lead to the same attributes: of all categories, or, of other
    data, to the same integers among them."""
    def like(model, floats):
        return all(joblib.hash(getattr(model, name, None) or None) == joblib.hash(value or None)
                   if isinstance(value, list) else joblib.hash(getattr(model, name, None)) == joblib.hash(value)
                   for name, value in learnt.items()
                   if floats or getattr(value, "dtype", np.dtype(object)).kind in "iu")

    categories = learnt.get("categories_")
    if isinstance(categories, list) and categories:
        x = _rows_of(categories, learnt.get("feature_names_in_"))
        models = [each for each in _fitted(cls, params, [(x, None)]) if like(each, True)]
    else:
        data = _samples(learnt["n_features_in_"], float, np.array([1, 2]))
        models = [each for each in _fitted(cls, params, data) if like(each, False)]
    agreed = _agreed(models)
    return {name: agreed[name] for name in needed} if agreed.keys() >= set(needed) else None


def _handed(value):
    """An estimator of Tessera's, among the attributes of another one, as scikit-learn's."""
    from ._estimator import Core

    if not isinstance(value, Core):
        return value
    importlib.import_module(f"sklearn.{value._described['module']}")
    cls = _classes_of.get(type(value))
    if cls is None:
        return value
    names = list(inspect.signature(type(value)).parameters)
    if not _is_whole(cls, type(value)):
        raise _Declined(f"a {cls.__name__} inside of it would not be whole")
    made = cls(**{name: getattr(value, name) for name in names})
    learnt = _as_theirs(cls, _public(value))
    vars(made).update(learnt)
    _fits[made] = _Fit(value, learnt | {name: vars(made)[name] for name in names})
    _complete(made)
    return made


def _public(ours):
    return {name: value for name, value in vars(ours).items()
            if name.endswith("_") and not name.startswith("_")}


def _as_theirs(cls, learnt):
    """Scalars of the types that scikit-learn has, where the default parameters show them, and its
    estimators. A Python 0.0 among its attributes stands for what it has not computed."""
    dtype = next((value.dtype for value in learnt.values()
                  if isinstance(value, np.ndarray) and value.dtype.kind == "f"), np.dtype(float))
    example = _example(cls, dtype)
    for name, value in learnt.items():
        there = example.get(name)
        if type(value) is int and isinstance(there, np.number):
            learnt[name] = type(there)(value)
        elif type(value) is float and value != 0.0 and (type(there) is not float or there == 0.0):
            learnt[name] = (type(there) if isinstance(there, np.number) else dtype.type)(value)
        else:
            learnt[name] = _handed(value)
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


def _check_usual(theirs, X):
    """Declines what Tessera would not refuse, but not do as scikit-learn does either."""
    if _described[type(theirs).__name__]["other_steps"]:
        raise _Declined("Tessera's takes other steps for the same seed")
    if getattr(X, "dtype", None) == np.float16:
        raise _Declined("X is float16")
    if not isinstance(X, np.ndarray) and scipy.sparse.issparse(X):
        raise _Declined("Sparse data are not supported")
    floats = isinstance(X, np.ndarray) and X.dtype.kind == "f"
    if vars(theirs).get("validate") is False and not floats:  # scikit-learn's function gets X as it is
        raise _Declined("X is no array of floats, and validate=False")
    if vars(theirs).get("_skl_callbacks"):
        raise _Declined("it has callbacks")


def _key(theirs, names, X):
    """A class, plain parameters and the dtype of X; None if a parameter is anything else, and for tables and lists, of
    which every one may hold something else."""
    if not isinstance(X, np.ndarray) or X.dtype == object:
        return None
    own = vars(theirs)
    values = [own[name] for name in names if name != "random_state"]
    kinds = tuple(map(type, values))
    return (type(theirs), X.dtype, kinds, *values) if _PLAIN.issuperset(kinds) else None


def _remember(theirs, names, X, why):
    """Remembers what Tessera does not take whatever the values in X are."""
    key = _key(theirs, names, X)
    if key is not None and len(_refused) < 1000 and "random_state" not in why:
        _refused[key] = why


def _reason(refusal):
    return " ".join(str(refusal).split())


def _learn(ours_class, names, method, theirs, X, args, kwargs):
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
    try:
        result = getattr(ours, method)(*args, **kwargs)
    except (NotImplementedError, InvalidParameterError) as refusal:
        _remember(theirs, names, X, _reason(refusal))
        raise
    needed = _needed(type(theirs), ours_class, {name: own[name] for name in names}, X)
    learnt = _as_theirs(type(theirs), _public(ours))
    beside = {}
    if needed:
        beside = _beside(type(theirs), {name: own[name] for name in names}, learnt, needed)
        if beside is None:
            why = f"it would lack {', '.join(needed)}"
            if not any(isinstance(value, list) or getattr(value, "dtype", np.dtype(float)).kind in "iu" for value in learnt.values()):
                _remember(theirs, names, X, why)
            raise _Declined(why)
    for name in [*(fit.members if fit else ()), "feature_names_in_"]:
        if name not in learnt and name not in names:
            own.pop(name, None)
    learnt = {name: value for name, value in learnt.items()
              if not isinstance(getattr(type(theirs), name, None), property)}
    own.update(learnt | beside)
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
    """Gives scikit-learn's own code the private members that it looks for beside the attributes: what
    Tessera's estimator has, and what scikit-learn's fit leaves whatever the data are."""
    fit = _fits.get(theirs)
    if fit is None or fit.completed:
        return
    fit.completed = True
    own, cls = vars(theirs), type(theirs)
    params = {name: own[name] for name in inspect.signature(cls).parameters}
    classes = getattr(fit.ours, "classes_", None)
    classes = classes if isinstance(classes, np.ndarray) and classes.ndim == 1 else np.array([1, 2])
    categories = getattr(fit.ours, "categories_", None)
    data = _samples(own.get("n_features_in_", 1), float, classes)
    if isinstance(categories, list) and categories:  # which determine the rest
        with contextlib.suppress(_Declined):
            x = _rows_of(categories, getattr(fit.ours, "feature_names_in_", None))
            data = [(x, np.resize(classes, len(x)))]
    models = _fitted(cls, params, data)
    for name, value in _agreed(models).items():
        if name.startswith("_") and name not in own and not hasattr(fit.ours, name):
            own[name] = value
    for name in vars(models[0]) if models else ():
        if name.startswith("_") and name not in own and hasattr(fit.ours, name):
            with contextlib.suppress(_Declined):
                own[name] = _handed(getattr(fit.ours, name))


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
        if id(self) in _theirs or getattr(_plain, "on", False):
            return original(self, *args, **kwargs)
        if not learns and self not in _fits and not logger.isEnabledFor(logging.INFO):
            return original(self, *args, **kwargs)  # what scikit-learn has fitted; nobody listens
        expected = False
        try:
            if type(self) is not cls:
                raise _Declined(f"{type(self).__name__} is a subclass")
            if _core.size() > 1 and threading.current_thread() is not threading.main_thread():
                raise _Declined("in a job of several processes only the main thread calls Tessera")
            X = args[0] if args else kwargs.get("X")
            if learns and _refused and (why := _refused.get(_key(self, names, X))):
                raise _Declined(why)
            _check_usual(self, X)
            if learns:
                result = _learn(ours_class, names, method, self, X, args, kwargs)
            else:
                result = _use(method, self, args, kwargs)
        except _Declined as declined:
            why, expected = str(declined), declined.expected
        except _REFUSALS as refusal:
            why = _reason(refusal)
        else:
            _say(label, None)
            return result
        _say(label, why, expected)
        if method == "fit":
            _fits.pop(self, None)
        else:
            _complete(self)
        return _run_theirs(original, self, *args, **kwargs)

    run.original = original
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

    __getstate__.original = original
    return __getstate__


def _original(method):
    """scikit-learn's method: the one behind that of a class that this one inherits from and that is patched."""
    return getattr(method, "original", method)


def _replace(cls, name, member):
    _members[cls][name] = cls.__dict__.get(name)
    setattr(cls, name, member)


def _patch(cls, ours_class):
    _members[cls] = {}
    _classes_of[ours_class] = cls
    _plain_fit[cls] = _original(cls.fit)
    for method in [*(each["name"] for each in ours_class._described["methods"]), *_SELDOM]:
        if not hasattr(cls, method) or not hasattr(ours_class, method):
            continue
        run = _dispatching(cls, ours_class, method, _original(getattr(cls, method)))
        condition = getattr(inspect.getattr_static(cls, method), "check", None)
        _replace(cls, method, available_if(condition)(run) if condition else run)
    _replace(cls, "__getstate__", _state(_original(cls.__getstate__)))
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
    from . import _estimator  # noqa: F401  (first: what it imports of scikit-learn is nobody's to patch)

    modules = {}
    for name, described in _described.items():
        modules.setdefault(_lazy.origin(f"sklearn.{described['module']}", name), []).append(name)
    for module, names in modules.items():
        _lazy.when_run(module, functools.partial(_patch_classes, module, names))


def _patch_classes(module, names):
    """Patches the classes of those names, in the module of scikit-learn's that defines them."""
    for name in names:
        cls = getattr(sys.modules[module], name, None)
        if cls is not None and cls not in _members:
            _patch(cls, estimator_class(name))


def unpatch_sklearn():
    """Has scikit-learn run its classes again, also those that Tessera has fitted."""
    _lazy.forget()
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
    _is_whole.cache_clear()
    _needs.clear()
    _refused.clear()
