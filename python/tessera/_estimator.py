"""Estimators: scikit-learn's classes around C++'s, made from its lists."""

import numbers
import os

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    DensityMixin,
    OneToOneFeatureMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_sample_weight,
    check_array,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from . import _core
from ._arrays import Array, Stream, asarray, native, table, whole
from ._source import class_doc, init_source, method_source

_OURS = (Array, Stream)


def _parameter(value):
    """A parameter as C++ takes it: a RandomState draws a seed."""
    if isinstance(value, np.random.RandomState):
        return int(value.randint(np.iinfo(np.int32).max))
    if isinstance(value, np.ndarray) and value.ndim and value.dtype.kind not in "OUS":
        return np.require(native(value), requirements="C")
    if isinstance(value, np.ufunc) or (
        callable(value) and str(getattr(value, "__module__", "")).startswith("sklearn.")
        and not isinstance(value, type) and not isinstance(value, BaseEstimator)
    ):
        return value.__name__  # of a function that there is here, too
    if isinstance(value, type) and issubclass(value, np.generic):
        return np.dtype(value).name
    if isinstance(value, numbers.Integral) and not isinstance(value, (int, np.generic)):
        return int(value)
    return value


def _attribute(value, text, inside=False):
    """A fitted attribute as scikit-learn has it: lists of words, and values in lists, are arrays."""
    if not isinstance(value, list):
        return value
    if value and all(isinstance(word, str) for word in value):
        return np.asarray(value, dtype=text)
    plain = value and not any(isinstance(each, (list, np.ndarray, Core)) for each in value)
    if plain and (inside or any(each is not None for each in value)):
        return np.array(value, dtype=object)
    return [_attribute(each, text, True) for each in value]


def _text_dtype(x, table=False):
    """The dtype of text in it: object, of a table in lists, too, or that of NumPy's text; None: one that fits."""
    if x is None or isinstance(x, _OURS):
        return None
    dtype = getattr(x, "dtype", None)
    if dtype is None and not table:
        dtype = np.asarray(x).dtype
    kind = getattr(dtype, "kind", "O")
    return dtype if kind == "U" else None if kind == "S" else object


def _wide(x):
    """float16 as float64, as scikit-learn computes with it."""
    return x.astype(np.float64) if x.dtype == np.float16 else x


def _numeric(x):
    """How check_array makes numbers of x: as scikit-learn, of text too, but for integers, which C++
    converts while it reads them."""
    kind = getattr(getattr(x, "dtype", None), "kind", "f")
    return "numeric" if kind in tuple("biu") else [np.float64, np.float32]


class Core(BaseEstimator):
    """What all classes share. X and y come as NumPy's and go as NumPy's, complete on every process;
    Arrays and Streams come and go as such."""

    _described = None  # C++'s description of the class

    # --- Data ---------------------------------------------------------------------------------

    def _rows(self, X, reset, of_features=True):
        """X as C++ takes it, checked as scikit-learn does."""
        if isinstance(X, _OURS):
            return X
        plain = type(X) is np.ndarray and X.ndim == 2 and X.dtype.char in "fd" and X.size > 0
        if plain and self._described["input"] == "features":
            # What there is to check of floats, without scikit-learn's help, which takes longer than a small fit.
            own = vars(self)
            if reset:
                own.pop("feature_names_in_", None)
                self.n_features_in_ = X.shape[1]
                return asarray(X)
            if X.shape[1] == own.get("n_features_in_") and "feature_names_in_" not in own:
                return asarray(X)
        if self._described["input"] == "labels":
            X = column_or_1d(X, warn=True) if of_features else np.asarray(X)
            return table([X]) if X.dtype == object and X.ndim == 1 else asarray(_wide(X))
        if not of_features:
            X = check_array(X, ensure_all_finite=False, dtype=_numeric(X))
        elif self._described["input"] == "categories":
            X = self._columns(X, reset)
        else:
            # C++ looks for NaN while it computes.
            given, keeps = X, self._described["keeps_dtype"]
            dtype = None if keeps else _numeric(X)
            X = validate_data(self, X, reset=reset, ensure_all_finite=False, dtype=dtype)
            if keeps and X.dtype.kind not in "biuf" and not self._described["takes_text"]:
                X = check_array(X, ensure_all_finite=False, dtype=_numeric(X))
            if X.dtype == object:
                live = self._make(anew=True) if reset else self._live
                keep = live.keeps_dtype("fit") or any(isinstance(each, str) for each in X.flat)
                X = self._columns(given, reset) if keep else check_array(X, ensure_all_finite=False)
        rows = table(X, mixed=self._described["takes_text"]) if isinstance(X, list) else asarray(_wide(X))
        names = getattr(self, "feature_names_in_", None)
        if names is not None and of_features:
            rows = rows.named([str(name) for name in names])
        return rows

    def _columns(self, X, reset):
        """X as an array, or as a list of its columns where they have dtypes of their own."""
        missing = getattr(self, "missing_values", np.nan)  # NaN is one, or may not be there
        checks = {"dtype": None, "ensure_all_finite": "allow-nan" if missing != missing else True}
        if hasattr(X, "iloc") and getattr(X, "ndim", 0) == 2 and X.shape[1]:
            validate_data(self, X, reset=reset, skip_check_array=True)
            columns = [check_array(X.iloc[:, j], ensure_2d=False, **checks) for j in range(X.shape[1])]
            dtypes = {each.dtype for each in columns}
            if len(dtypes) > 1 or dtypes == {np.dtype(object)}:
                return columns
        checked = validate_data(self, X, reset=reset, **checks)
        if checked.dtype.kind == "U" and not hasattr(X, "dtype"):
            checked = check_array(X, **checks | {"dtype": object})
        return list(checked.T) if checked.dtype == object else checked

    def _target(self, y, required, comm):
        if y is None or isinstance(y, Array) or not required:
            return y if isinstance(y, Array) else None
        role = self._described["role"]
        plain = type(y) is np.ndarray and y.size > 0 and (
            y.dtype.kind in "biu" and y.ndim == 1 and role == "classifier"
            or y.dtype.char in "fd" and (y.ndim == 1 or y.ndim == 2 and not self._described["one_target"]) and role == "regressor")
        if plain:
            return asarray(y, comm=comm)
        if not role:
            y = column_or_1d(y, warn=True)
            if y.dtype == object:
                check_classification_targets(y)
        elif role == "classifier":
            y = column_or_1d(y, warn=True)
            check_classification_targets(y)
        else:
            y = check_array(y, ensure_2d=False, dtype="numeric", ensure_all_finite=False,
                            input_name="y", ensure_min_samples=0)
            if self._described["one_target"]:
                y = column_or_1d(y, warn=True)
        return asarray(_wide(y), comm=comm)

    def _weights(self, sample_weight, X):
        if sample_weight is None or isinstance(sample_weight, Array):
            return sample_weight
        if np.asarray(sample_weight).dtype.kind == "c":
            raise ValueError(f"Complex data not supported\n{sample_weight}\n")
        if isinstance(X, _OURS):
            weights = np.asarray(sample_weight, dtype=np.float64)
            return asarray(weights if weights.ndim else np.full(X.shape[0], weights), comm=X.comm)
        return asarray(_check_sample_weight(sample_weight, _Rows(X.shape)))

    def _out(self, results, given, method=None):
        """Results as X came; what set_output makes a data frame of is NumPy's."""
        framed = (method == "transform" and isinstance(given, _OURS)
                  and _get_output_config("transform", self)["dense"] != "default")
        if framed:
            results = [asarray(one) for one in results]
        if framed or not isinstance(given, _OURS):
            results = [whole(one, writable=True) for one in results]
            text = vars(self).get("_text")
            if text is not None:
                results = [one.astype(text if text is object else np.result_type(one, text))
                           if one.dtype.kind == "U" else one for one in results]
        return results[0] if len(results) == 1 else tuple(results)

    # --- Methods ------------------------------------------------------------------------------

    def _learn(self, method, X, y=None, classes=None, sample_weight=None, **starts):
        anew = method != "partial_fit" or not hasattr(self, "_live")
        given = X
        required = self._described["needs_y"]
        if required and y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        # Made first: what a parameter cannot be is said before the data are looked at.
        live = self._make() if anew else self._live
        given_starts = {name[: -len("init")]: np.atleast_1d(np.asarray(value, dtype=np.float64))
                        for name, value in starts.items() if value is not None}
        X = self._rows(X, reset=anew)
        target = self._target(y, required, X.comm)
        if target is not None and target.shape[0] != X.shape[0]:
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: "
                f"[{X.shape[0]}, {target.shape[0]}]"
            )
        weights = None
        if sample_weight is not None:
            weights = (sample_weight if isinstance(sample_weight, Array)
                       else self._weights(sample_weight, X))
        if given_starts:
            live.start_from(given_starts)
        result = None
        if method == "partial_fit":
            live.partial_fit(X, target, None if classes is None else np.asarray(classes), weights)
        else:
            result = self._fit(live, method, X, target, weights)
        labels = self._described["input"] == "labels"
        self._take(live, isinstance(given, _OURS), _text_dtype(given, not labels),
                   _text_dtype(given if labels else y))
        return self if result is None else self._out([result], given, "transform")

    def _make(self, anew=False):
        params = {name: None if isinstance(value, np.random.RandomState) else _parameter(value)
                  for name, value in self.get_params(deep=False).items()}
        for name, _, allowed, _ in self._described["parameters"]:
            if isinstance(params[name], (list, tuple)) and "an array" in allowed and "a list" not in allowed:
                params[name] = _parameter(np.asarray(params[name]))
        if params.get("warm_start") and hasattr(self, "_live") and not anew:
            self._live.set_params(params)
            return self._live
        return _core.make(type(self).__name__, params)

    def _fit(self, live, method, X, target, weights):
        """Fits; a RandomState gives the draws and goes on after them, as in scikit-learn. Returns what
        fit_transform does."""
        source, state = getattr(self, "random_state", None), None
        draws = isinstance(source, np.random.RandomState)
        if draws:
            name, key, *rest = source.get_state()
            if name != "MT19937":
                raise ValueError(f"random_state draws from {name}; only MT19937 is known")
            state = (key.tolist(), rest[0], bool(rest[1]), rest[2])
        result = getattr(live, method)(X, target, weights, state)
        result, state = (None, result) if method == "fit" else result
        if draws:
            source.set_state((name, *state))
        return result

    def _take(self, live, keep_arrays=False, of_x=None, of_y=None):
        """Takes what C++ has learnt; `of_x` and `of_y` are the dtypes of text in X and y."""
        self._live = live
        attributes = live.attributes
        if not self._described["keeps_text"]:
            of_y = None
        dtypes = {"feature_names_in_": object, "classes_": of_y}
        for name, value in attributes.items():
            whole_list = self._described["takes_text"] or name == "classes_"  # of None alone, too
            setattr(self, name, _attribute(value, dtypes.get(name, of_x), whole_list))
        vars(self).pop("_text", None)
        text = of_y if "classes_" in attributes else of_x
        if text is not None:
            self._text = text
        if "feature_names_in_" not in attributes and hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        labels = live.labels
        if labels is not None:
            name = next(name for name, per_row in self._described["attributes"] if per_row)
            setattr(self, name, labels if keep_arrays else whole(labels, writable=True))

    @classmethod
    def _of_live(cls, live):
        self = cls(**live.params)
        self._take(live)
        return self

    def _require_fitted(self):
        if "_live" not in vars(self):
            check_is_fitted(self, "_live")  # which takes longer than predicting a few rows

    def _map(self, method, X, of_features):
        fitted = "_live" in vars(self)
        if self._described["requires_fit"]:
            self._require_fitted()
        live = self._live if fitted else self._make()
        return self._out(live.results(method, self._rows(X, False, of_features and fitted)), X, method)

    def _measure(self, method, X, y=None, sample_weight=None):
        self._require_fitted()
        rows = self._rows(X, reset=False)
        target = self._target(y, self._described["needs_y"], rows.comm)
        weights = None if sample_weight is None else self._weights(sample_weight, rows)
        return self._live.measure(method, rows, target, weights)

    def _tell(self, method):
        self._require_fitted()
        return whole(self._live.tell(method), writable=True)

    def _available(self, method):
        """Whether there is such a method with the parameters as they are, as available_if asks."""
        why = self._make(anew=True).why_not(method)
        if why:
            raise AttributeError(why)
        return True

    def save(self, path):
        """Writes the fitted estimator as a model file, which the program reads, too. Collective."""
        self._require_fitted()
        self._live.save(os.fspath(path))

    # --- scikit-learn's protocols -------------------------------------------------------------

    @property
    def _n_features_out(self):
        if not hasattr(self, "transform") or self._described["input"] == "labels":
            raise AttributeError("_n_features_out")
        return len(self._live.feature_names_out)

    def __getstate__(self):
        # An Array stays where it lies, as in model files; NumPy's labels_ travel.
        rows = {name for name, per_row in self._described["attributes"] if per_row}
        state = super().__getstate__()
        return {name: value for name, value in state.items()
                if name not in rows or not isinstance(value, Array)}

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_live") or not self._described["requires_fit"]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        described = self._described
        tags.input_tags.allow_nan = described["allows_nan"]
        tags.input_tags.positive_only = described["positive_x"]
        tags.input_tags.categorical = described["categorical"] or described["input"] == "categories"
        tags.target_tags.positive_only = described["positive_y"]
        if described["role"] == "regressor":
            tags.target_tags.multi_output = not described["one_target"]
            tags.target_tags.single_output = not described["several_targets"]
        tags.input_tags.string = described["input"] != "features"
        if described["input"] == "labels":
            tags.input_tags.two_d_array = False
            tags.target_tags.one_d_labels = True
        tags.requires_fit = described["requires_fit"]
        tags.target_tags.required |= described["needs_y"]
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def __tessera_model__(self):
        attributes = self._live.attributes if hasattr(self, "_live") else None
        params = {k: _parameter(v) for k, v in self.get_params(deep=False).items()}
        return type(self).__name__, params, attributes


class _NamedColumns:
    """Transforms into columns whose names follow from those of X."""

    def get_feature_names_out(self, input_features=None):
        """Names of the columns that transform gives.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X; None: those of fit, or x0, x1, ...
        """
        check_is_fitted(self, "_live")
        names = _check_feature_names_in(self, input_features)
        return np.asarray(self._live.feature_names_out_of([str(n) for n in names]), dtype=object)


class _Rows:
    """What scikit-learn asks of an X to check weights: how many rows."""

    def __init__(self, shape):
        self.shape = shape
        self.dtype = np.dtype(np.float64)

    def __len__(self):
        return self.shape[0]


_ROLES = {
    "regressor": RegressorMixin,
    "classifier": ClassifierMixin,
    "clusterer": ClusterMixin,
    "density": DensityMixin,
}


def make_class(described):
    """The class of an estimator that C++ describes."""
    methods = {method["name"]: method for method in described["methods"]}
    bases = []
    if described["role"] in _ROLES:
        bases.append(_ROLES[described["role"]])
    if "transform" in methods:
        bases.append(TransformerMixin)
        bases.append(OneToOneFeatureMixin if methods["transform"]["keeps_columns"]
                     else _NamedColumns if methods["transform"]["names_columns"]
                     else ClassNamePrefixFeaturesOutMixin)
    namespace = {
        "__doc__": class_doc(described),
        "__module__": f"tessera.{described['module']}",
        "_described": described,
    }
    exec(init_source(described["parameters"]), namespace)
    if described["fit_transforms"]:
        methods["fit_transform"] = methods["fit"] | {
            "name": "fit_transform", "returns": "transform",
            "doc": "learns from X, and gives what fit makes of its rows, which transform of them need not be"}
    for method in methods.values():
        exec(method_source(method, methods), namespace)
        if method["conditional"]:
            name = method["name"]
            namespace[name] = available_if(lambda self, name=name: self._available(name))(namespace[name])
    namespace.pop("__builtins__", None)
    made = type(described["name"], (*bases, Core), namespace)
    if described["poor_score"]:
        def tags(self):  # after the mixin has made what is set
            found = super(made, self).__sklearn_tags__()
            found.classifier_tags.poor_score = True
            return found

        made.__sklearn_tags__ = tags
    for name in ("__init__", *methods):
        function = getattr(made, name)
        function = getattr(function, "__wrapped__", function)
        function.__qualname__ = f"{described['name']}.{name}"
        function.__module__ = made.__module__
    return made
