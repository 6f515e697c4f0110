"""Arrays, communicators, backends and models from Python on any number of processes."""

import os
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sklearn.naive_bayes
import sklearn.preprocessing
import tessera
import tessera.array_api as xp
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from tessera.cluster import KMeans
from tessera.linear_model import LinearRegression
from tessera.naive_bayes import GaussianNB
from tessera.preprocessing import StandardScaler

RANK, SIZE = tessera.rank(), tessera.size()
X = np.sin(np.arange(9000.0).reshape(3000, 3) ** 1.5)
Y = X @ [1.0, 2.0, 3.0] + 4.0


def raises(kind, text, work):
    with pytest.raises(kind, match=re.escape(text) or None):
        work()


def test_arrays():
    a = tessera.asarray(X)
    begin, end = tessera._core.local_range(X.shape, a.comm)
    assert a.local.shape == (end - begin, 3) and not a.local.flags.writeable
    assert a.local.ctypes.data == X[begin:].ctypes.data, "copied"
    for whole in (a.numpy(), np.asarray(a), np.from_dlpack(a)):
        np.testing.assert_array_equal(whole, X)
    assert repr(a).endswith(f"device='cpu', {SIZE} process{'es' if SIZE > 1 else ''})")
    assert (a.comm.rank, a.comm.size) == (RANK, SIZE) and a.comm == tessera.world()
    for rows in (0, 1, 2, 257, 1021):
        for tail in ((), (2,), (2, 3)):
            part = np.arange(rows * np.prod(tail, dtype=int), dtype="f4").reshape(rows, *tail)
            np.testing.assert_array_equal(tessera.asarray(part).numpy(), part)
    np.testing.assert_array_equal(tessera.asarray(np.float32(3)).numpy(), 3)


def test_parts():
    begin, end = tessera._core.local_range(X.shape, tessera.world())
    mine = X[begin:end].copy()
    assert tessera.from_local(mine).local.ctypes.data == mine.ctypes.data, "copied"
    np.testing.assert_array_equal(tessera.from_local(mine).numpy(), X)
    # All rows on the last process: they move.
    moved = tessera.from_local(X if RANK == SIZE - 1 else X[:0])
    np.testing.assert_array_equal(moved.numpy(), X)
    np.testing.assert_array_equal(moved.local, mine)
    cube = np.arange(12.0).reshape(1, 3, 4) + RANK
    assert tessera.from_local(cube).shape == (SIZE, 3, 4)
    if SIZE > 1:
        raises(ValueError, "the same shape after axis 0",
               lambda: tessera.from_local(np.ones((2, 1 + (RANK == 0)))))


def test_who_passes_something_else(monkeypatch):
    monkeypatch.setenv("TESSERA_CHECK", "1")
    tessera.asarray(X)
    if SIZE > 1:
        other = X + (RANK == SIZE - 1)
        raises(ValueError, f"that of process {SIZE - 1} differs from that of process 0",
               lambda: tessera.asarray(other))
    if SIZE > 2:
        raises(ValueError, "that of process 0 differs from that of process 1",
               lambda: tessera.asarray(X[: 10 if RANK else 9]))


def test_groups():
    half = tessera.world().split(RANK % 2)
    there = tessera.asarray(X, comm=half)
    assert there.comm.size == (SIZE + 1 - RANK % 2) // 2 and there.comm == half
    if RANK % 2 == 0:  # different models side by side
        model = KMeans(3, init=X[:3], n_init=1).fit(there)
        model.save("half.tessera")
        again = tessera.load("half.tessera", comm=half)
        np.testing.assert_array_equal(again.predict(there).numpy(), model.labels_.numpy())
        tessera.write("half.h5", there, "X")
        np.testing.assert_array_equal(tessera.read("half.h5", "X", comm=half).numpy(), X)
        assert tessera.stream("half.h5", "X", comm=half).comm.size == half.size
    else:
        model = LinearRegression().fit(there, Y)
        np.testing.assert_allclose(model.coef_, [1, 2, 3])
        assert abs(tessera.metrics.r2_score(Y, model.predict(there)) - 1) < 1e-12
        assert model.score(there, Y, sample_weight=np.ones(3000)) == model.score(there, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(there).numpy(), model.predict(there).numpy())
    if SIZE > 1:
        raises(ValueError, "other processes", lambda: tessera.asarray(there, comm=tessera.world()))
        raises(TypeError, "is not pickled", lambda: pickle.dumps(tessera.asarray(X)))
    raises(TypeError, "comm must be a communicator", lambda: tessera.asarray(X, comm=3))


def test_creation_on_groups(everyones):
    """Groups make arrays side by side, the same as all processes do together."""
    half = tessera.world().split(RANK % 2)
    makers = {
        "arange": lambda **on: xp.arange(2, 1500, 3, **on), "empty": lambda **on: 0 * xp.empty(5, dtype=xp.int8, **on),
        "eye": lambda **on: xp.eye(4, 3, k=1, **on), "full": lambda **on: xp.full((700, 2), 7, **on),
        "linspace": lambda **on: xp.linspace(0, 1, 999, endpoint=False, **on),
        "ones": lambda **on: xp.ones((3, 2), dtype=xp.float32, **on), "zeros": lambda **on: xp.zeros(1100, **on),
        "asarray": lambda **on: xp.asarray([[1, 2], [3, 4]], **on), "number": lambda **on: xp.asarray(2.5, **on),
        "from_dlpack": lambda **on: xp.from_dlpack(X, **on), "fftfreq": lambda **on: xp.fft.fftfreq(600, d=0.5, **on),
        "rfftfreq": lambda **on: tessera.fft.rfftfreq(600, **on), "uniform": lambda **on: tessera.random.uniform(900, **on),
        "normal": lambda **on: tessera.random.normal((300, 3), seed=2, **on),
        "integers": lambda **on: tessera.random.integers(900, 0, 9, **on),
        "permutation": lambda **on: tessera.random.permutation(900, **on),
        "choice": lambda **on: tessera.random.choice(900, (700,), replace=False, **on),
        "shares": lambda **on: tessera.random.choice(3, (700,), p=[0.2, 0.3, 0.5], **on),
    }  # fmt: skip
    for name, make in makers.items():
        want, got = make(), make(comm=half)
        assert want.comm == tessera.world() and got.comm == half, name
        assert (got.dtype, got.shape) == (want.dtype, want.shape) and got.numpy().tobytes() == want.numpy().tobytes(), name
    there = xp.arange(1000, comm=half)
    assert xp.sum(there[there % 2 == 0]).comm == half and int(xp.sum(there)) == 499500
    there[True] = there + 1
    assert int(there[999]) == 1000
    if RANK % 2 == 0:  # one group alone
        assert tessera.random.permutation(there, comm=half).comm == half
    for wrong in (lambda: tessera.random.permutation(there, comm=tessera.world()), lambda: xp.asarray(there, comm=tessera.world())):
        if SIZE > 1:
            raises(ValueError, "the array lies on other processes than those of comm", wrong)
    raises(TypeError, "comm must be a communicator", lambda: xp.arange(3, comm=3))
    assert everyones("alive") == ["alive"] * SIZE


def test_backends():
    def standardize(x, shift, scale, out):
        if x[0, 0] == Y[0]:
            raise KeyError("only here")
        out[:] = (x - shift) / scale

    a = tessera.asarray(X)
    model = StandardScaler().fit(a)
    tessera.register("linalg.standardize", "mine", standardize)
    with tessera.prefer("mine"):
        np.testing.assert_allclose(model.transform(X).mean(axis=0), 0, atol=1e-12)
        bad = np.where(np.arange(3000)[:, None] == 2816, Y[0], X)  # a leaf of the last process
        rank = f" (rank {SIZE - 1})" if SIZE > 1 else ""
        raises(RuntimeError, "KeyError: linalg.standardize in mine: 'only here'",
               lambda: model.transform(bad))
        raises(RuntimeError, rank, lambda: model.transform(bad))
    if SIZE > 1:
        raises(RuntimeError, "the backend 'unlike' is not the same on every process",
               lambda: tessera.register("linalg.standardize", "unlike", standardize,
                                        dtypes=["f4" if RANK else "f8"]))
        def choose():
            with tessera.prefer("mine" if RANK else "cpu"):
                KMeans(2).fit(a)
        raises(RuntimeError, "the processes chose different selections: rank 0 cpu, rank 1 mine", choose)


def test_pickles_of_other_jobs(tmp_path, everyones):
    """Models of jobs of other sizes, pickled, are this job's."""
    folder = Path(os.environ.get("TOGETHER_BITS", tmp_path))
    model = KMeans(3, random_state=0).fit(tessera.asarray(X))
    mine = folder / f"{SIZE}.pickle"
    for file in sorted(set(folder.glob("[0-9].pickle")) - {mine}):
        other = pickle.loads(file.read_bytes())
        np.testing.assert_array_equal(other.cluster_centers_, model.cluster_centers_)
        np.testing.assert_array_equal(other.predict(X), model.predict(X))
        other.save("other.tessera")
        model.save("mine.tessera")
        assert Path("other.tessera").read_bytes() == Path("mine.tessera").read_bytes()
    everyones("read")
    if RANK == 0:
        mine.write_bytes(pickle.dumps(model))


def test_mpi4py():
    MPI = pytest.importorskip("mpi4py.MPI")
    world = MPI.COMM_WORLD
    assert (world.rank, world.size) == (RANK, SIZE)
    assert tessera.asarray(X, comm=world).comm == tessera.world()
    assert tessera.asarray(X, comm=MPI.COMM_SELF).comm.size == 1
    part = world.Split(RANK % 2, -RANK)
    there = tessera.asarray(X, comm=part)
    assert (there.comm.rank, there.comm.size) == (part.rank, part.size)
    assert there.comm == tessera.asarray(Y, comm=part).comm, "a communicator for each call"
    back = there.comm.to_mpi4py()
    assert back.allreduce(1) == part.size and back.rank == part.rank
    np.testing.assert_allclose(LinearRegression().fit(there, Y).coef_, [1, 2, 3])
    part.Free()
    np.testing.assert_array_equal(there.numpy(), X)  # which keeps its own
    some = world.Split(0 if RANK == 0 else MPI.UNDEFINED)
    if RANK == 0:
        assert tessera.asarray(X, comm=some).comm.size == 1
    else:
        raises(ValueError, "not in the communicator", lambda: tessera.asarray(X, comm=some))


def test_same_bits(of_one, everyones):
    a, y = tessera.asarray(X), np.where(Y > 4, "high", "low")
    scaled = StandardScaler().fit(a).transform(a)
    labels = KMeans(3, random_state=0).fit(scaled).labels_
    found = np.where(labels.numpy() == 0, "high", "low")
    numbers = [scaled.numpy().tobytes(), labels.numpy().tobytes(),
               tessera.metrics.f1_score(y, found, average="macro"),
               tessera.metrics.roc_auc_score(Y > 4, scaled.numpy()[:, 0]),
               tessera.linalg.svdvals(a).numpy().tobytes()]
    assert everyones(numbers) == [numbers] * SIZE and numbers == of_one("numbers", numbers)


def test_threads():
    """Fit side by side in a job of one process; in one of several they are told that they cannot, and the job goes on."""
    expected = KMeans(3, init=X[:3], n_init=1).fit(X).cluster_centers_
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(lambda: KMeans(3, init=X[:3], n_init=1).fit(X).cluster_centers_) for _ in range(6)]
    for job in jobs:
        if SIZE == 1:
            np.testing.assert_array_equal(job.result(), expected)
        else:
            raises(RuntimeError, "a job of several processes calls Tessera from its main thread only", job.result)
    np.testing.assert_array_equal(KMeans(3, init=X[:3], n_init=1).fit(X).cluster_centers_, expected)


def test_searches_and_columns():
    """scikit-learn's tools fit on every process alike, and find what they find with its estimators."""
    y = np.where(Y > 4, "high", "low")
    found = []
    for scaler, classifier in (StandardScaler(), GaussianNB()), (sklearn.preprocessing.StandardScaler(), sklearn.naive_bayes.GaussianNB()):
        columns = ColumnTransformer([("scaled", scaler, [0, 2])], remainder="passthrough")
        search = GridSearchCV(make_pipeline(columns, classifier), {"gaussiannb__var_smoothing": [1e-9, 0.1, 1.0]}, cv=3).fit(X, y)
        found.append((search.best_params_, search.best_estimator_.predict(X).tolist(), search.best_estimator_.classes_.dtype,
                      search.cv_results_["mean_test_score"].round(12).tolist()))  # fmt: skip
    assert found[0] == found[1]
