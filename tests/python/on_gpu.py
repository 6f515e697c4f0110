"""Arrays on a GPU, or on the double of CUDA that the tests have: run by test_gpu.py."""

import os

import numpy as np
import tessera
import tessera.array_api as xp
from tessera.linear_model import LogisticRegression
from tessera.preprocessing import StandardScaler

DEVICE = os.environ["ON_GPU"]

X = np.sin(np.arange(3000.0).reshape(1000, 3) ** 1.5)


class Described:
    """An array on a GPU that describes itself as CuPy's and PyTorch's do."""

    def __init__(self, array):
        self.array = array
        self.__cuda_array_interface__ = {"data": (array._address, False), "shape": array.shape,
                                         "version": 3, "typestr": array.dtype.str}

    def __dlpack_device__(self):
        return 2, int(DEVICE[-1])


alone = tessera.world().split(tessera.rank())  # each process has the whole array
given = tessera.asarray(X, comm=alone).to(DEVICE)
assert given.device == DEVICE
mine = tessera.asarray(Described(given))
assert (mine.device, mine.comm) == (DEVICE, tessera.world())
begin, _ = tessera._core.local_range(X.shape, mine.comm)
assert mine._address == given._address + begin * X[0].nbytes, "copied"
del given
for whole in (mine.numpy(), np.asarray(mine), np.from_dlpack(mine)):
    np.testing.assert_array_equal(whole, X)
scaled = StandardScaler().fit(mine).transform(mine)
assert scaled.device == DEVICE
np.testing.assert_allclose(scaled.numpy(), StandardScaler().fit(X).transform(X), rtol=1e-12)

# Functions of arrays: on the GPU, or on the host where it has no kernel (sort, take).
there = tessera.asarray(X).to(DEVICE)
for f in (
    lambda xp, x: xp.exp(x) + 2 * x,
    lambda xp, x: xp.where(x > 0, x, 0),
    lambda xp, x: xp.maximum(x, x[:, :1]),
    lambda xp, x: xp.sum(x, axis=0),
    lambda xp, x: xp.mean(x, axis=1),
    lambda xp, x: xp.std(x),
    lambda xp, x: xp.argmax(x, axis=0),
    lambda xp, x: xp.all(x < 2),
    lambda xp, x: xp.fft.fft(x, axis=1),
    lambda xp, x: xp.fft.irfft(x, n=4, axis=1),
    lambda xp, x: xp.sort(x, axis=0),
    lambda xp, x: xp.take(x, xp.asarray([5, 2]), axis=0),
    lambda xp, x: x[3:700:7, ::-1],
):
    result = f(xp, there)
    assert result.device == DEVICE
    np.testing.assert_allclose(result.numpy(), f(np, X), rtol=1e-10, atol=1e-12)
labels = X[:, 0] + X[:, 1] * X[:, 2] > 0
coef = LogisticRegression().fit(X, labels).coef_
np.testing.assert_allclose(LogisticRegression().fit(there, labels).coef_, coef, rtol=1e-4)
try:
    tessera.asarray(X).to("cuda:7")
except ValueError as error:
    assert "cuda:7" in str(error), error
else:
    raise AssertionError("a GPU that is not there")
