"""Backends written in Python, and who runs what."""

import json
import threading

import numpy as np
import pytest
import tessera
import tessera.array_api as xp
from tessera.cluster import KMeans
from tessera.preprocessing import StandardScaler

X = np.sin(np.arange(4000.0).reshape(2000, 2) ** 1.5) + [1, 5]  # eight leaves
SEEN = []


def standardize(x, shift, scale, out):
    """What linalg.standardize is documented to do."""
    SEEN.append((x.shape, threading.get_ident()))
    out[:] = (x - (0 if shift is None else shift)) / (1 if scale is None else scale)


def few_columns(x, shift, scale, out):
    return "more than two columns" if x.shape[1] > 2 else None


@pytest.fixture(scope="module", autouse=True)
def backend():
    tessera.register("linalg.standardize", "mine", standardize, can=few_columns, dtypes=["f8"])


def ran(file):
    """(operation, backend) of a trace."""
    with open(file) as text:
        events = json.load(text)
    events = events["traceEvents"] if isinstance(events, dict) else events
    return {(e["name"], e["args"]["backend"]) for e in events if "backend" in e.get("args", {})}


def scaled(x):
    with tessera.trace("t.json"):
        result = StandardScaler().fit(x).transform(x)
    np.testing.assert_allclose(result.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(result.std(axis=0), 1, rtol=1e-5)
    return ran("t.json")


def test_it_runs_where_it_is_preferred_or_the_only_one():
    mine, cpu = ("linalg.standardize", "mine"), ("linalg.standardize", "cpu")
    assert "mine" in tessera.backends()
    assert tessera.support()["linalg.standardize"]["mine"] == "float64"
    SEEN.clear()
    assert cpu in scaled(X) and not SEEN
    with tessera.prefer("mine"):
        assert mine in scaled(X)
        assert sum(shape[0] for shape, _ in SEEN) == 2000
        with tessera.skip("mine"):
            assert cpu in scaled(X)
        assert cpu in scaled(X.astype("f4")), "its dtype declines"
        assert cpu in scaled(np.tile(X, 2)), "its predicate declines"
    with tessera.only("mine"), pytest.raises(NotImplementedError, match="does not implement it"):
        StandardScaler().fit(X)
    model = StandardScaler().fit(np.tile(X, 2))
    with tessera.only("mine"), pytest.raises(NotImplementedError, match="mine: more than two columns"):
        model.transform(np.tile(X, 2))


def test_every_function_of_the_array_standard_is_an_operation():
    known = tessera.support()
    for space, name, *_ in tessera._core.array_functions():
        local = name in ("can_cast", "fhtoffset", "next_fast_len", "prev_fast_len")  # of no array
        assert (".".join(filter(None, ("array", space, name))) in known) != local, name
    x = xp.asarray(X)
    with tessera.trace("t.json"):
        xp.linalg.inv(xp.matmul(x.T, x) + xp.take(xp.roll(x, 3), xp.asarray([0, 1]), axis=0))
    seen = ran("t.json")
    assert {(f"array.{name}", "composed") for name in ("matmul", "matrix_transpose", "roll", "take", "linalg.inv")} <= seen
    assert ("array.add", "cpu") in seen


def test_it_runs_on_several_threads():
    threads, x = tessera.threads(), np.tile(X, (60, 1))
    expected = StandardScaler().fit(x).transform(x)
    tessera.set_threads(2)
    try:
        with tessera.prefer("mine"):
            np.testing.assert_array_equal(StandardScaler().fit(x).transform(x), expected)
    finally:
        tessera.set_threads(threads)


def test_methods_of_estimators():
    """A fit, a predict that calls Tessera, a score."""
    def fit(x, model, y, weights):
        assert y is None and weights is None and model.n_clusters == 2
        whole = x.numpy()
        return {"cluster_centers_": whole[:2].copy(), "inertia_": 1.5, "n_iter_": 7}

    def predict(x, model):
        products = tessera.linalg.matmul(x, model.cluster_centers_.T).numpy()
        return (products.argmax(axis=1)).astype("i4")

    tessera.register("KMeans.fit", "methods", fit)
    tessera.register("KMeans.predict", "methods", predict)
    tessera.register("KMeans.score", "methods", lambda x, model, y, weights: -model.inertia_)
    with tessera.prefer("methods"):
        model = KMeans(2).fit(X)
        assert (model.inertia_, model.n_iter_) == (1.5, 7)
        np.testing.assert_array_equal(model.cluster_centers_, X[:2])
        np.testing.assert_array_equal(model.predict(X), (X @ X[:2].T).argmax(axis=1))
        assert isinstance(model.predict(tessera.asarray(X)), tessera.Array)
        assert model.score(X) == -1.5
    with tessera.only("cpu"):
        assert not np.array_equal(model.predict(X), (X @ X[:2].T).argmax(axis=1))


def test_errors_of_a_function():
    model = StandardScaler().fit(X)

    def transformed(name, function, **how):
        tessera.register("linalg.standardize", name, function, **how)
        with tessera.prefer(name):
            return model.transform(X)

    def refuse(x, shift, scale, out):
        raise ValueError("not today")

    with pytest.raises(ValueError, match=r"linalg.standardize in e1: not today \(.*test_backends.py, line"):
        transformed("e1", refuse)
    with pytest.raises(RuntimeError, match="KeyError: linalg.standardize in e2: 'x'"):
        transformed("e2", lambda *given: {}["x"])
    with pytest.raises(TypeError, match="e3: .*4 were given"):
        transformed("e3", lambda x: None)
    with pytest.raises(TypeError, match="a kernel returns nothing"):
        transformed("e4", lambda *given: 3)
    with pytest.raises(RuntimeError, match="a kernel in Python cannot call Tessera"):
        transformed("e5", lambda *given: tessera.linalg.norm(X))
    with pytest.raises(TypeError, match="a predicate returns None, True, False or a reason, got 3"):
        transformed("e6", standardize, can=lambda *given: 3)
    with pytest.raises(KeyboardInterrupt):
        def stop(*given):
            raise KeyboardInterrupt

        tessera.set_threads(1)
        transformed("e7", stop)
    np.testing.assert_allclose(model.transform(X).mean(axis=0), 0, atol=1e-9)  # nothing is left behind

    tessera.register("KMeans.predict", "short", lambda x, model: np.zeros(3, "i4"))
    with tessera.prefer("short"), pytest.raises(ValueError, match=r"the 2000 rows of X, got shape \(3,\)"):
        KMeans(2).fit(X).predict(X)
    tessera.register("KMeans.fit", "none", lambda *given: None)
    with tessera.prefer("none"), pytest.raises(TypeError, match="returns a dict of the fitted attributes"):
        KMeans(2).fit(X)


def test_what_cannot_be_registered():
    with pytest.raises(ValueError, match="there is no operation 'linalg.magic'"):
        tessera.register("linalg.magic", "mine", standardize)
    with pytest.raises(NotImplementedError, match="'cluster.assign_nearest' cannot be written in Python"):
        tessera.register("cluster.assign_nearest", "mine", standardize)
    with pytest.raises(NotImplementedError, match="'linalg.inv' cannot be written in Python"):
        tessera.register("linalg.inv", "mine", np.linalg.inv)
    with pytest.raises(ValueError, match="there is a backend 'cpu' for cpu already"):
        tessera.register("linalg.standardize", "cpu", standardize)
    with pytest.raises(TypeError, match="register needs functions, got 'standardize'"):
        tessera.register("linalg.standardize", "mine", "standardize")
    with pytest.raises(ValueError, match="a backend's name must have letters"):
        tessera.register("linalg.standardize", "a,b", standardize)


@pytest.mark.parametrize("how", ["prefer", "only", "skip"])
def test_choices_are_names(how):
    choose = getattr(tessera, how)
    with pytest.raises(TypeError, match=f"{how} takes the name of a backend, got None"):
        choose(None)
    with pytest.raises(ValueError, match="unknown backend 'nobody'; there are cpu"), choose("nobody"):
        pass
