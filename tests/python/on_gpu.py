"""Arrays on GPUs, here on the double of CUDA that the tests have: run by test_processes.py."""

import numpy as np
import tessera
from tessera.preprocessing import StandardScaler

X = np.sin(np.arange(3000.0).reshape(1000, 3) ** 1.5)


class Described:
    """An array on a GPU that describes itself as CuPy's and PyTorch's do."""

    def __init__(self, array):
        self.array = array
        self.__cuda_array_interface__ = {"data": (array._address, False), "shape": array.shape,
                                         "version": 3, "typestr": array.dtype.str}

    def __dlpack_device__(self):
        return 2, 1


alone = tessera.world().split(tessera.rank())  # each process has the whole array
given = tessera.asarray(X, comm=alone).to("cuda:1")
assert given.device == "cuda:1"
mine = tessera.asarray(Described(given))
assert (mine.device, mine.comm) == ("cuda:1", tessera.world())
begin, _ = tessera._core.local_range(X.shape, mine.comm)
assert mine._address == given._address + begin * X[0].nbytes, "copied"
del given
for whole in (mine.numpy(), np.asarray(mine), np.from_dlpack(mine)):
    np.testing.assert_array_equal(whole, X)
scaled = StandardScaler().fit(mine).transform(mine)
assert scaled.device == "cuda:1"
np.testing.assert_allclose(scaled.numpy(), StandardScaler().fit(X).transform(X), rtol=1e-12)
try:
    tessera.asarray(X).to("cuda:7")
except ValueError as error:
    assert "cuda:7" in str(error), error
else:
    raise AssertionError("a GPU that is not there")
