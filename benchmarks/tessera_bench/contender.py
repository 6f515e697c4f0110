"""One process of a contender: holds data and does what it is told to, when it is its turn.

usage: contender.py NAME ADDRESS TOKEN

Runs in the environment of the library that it is for, so it needs nothing but that and NumPy. Words
come as lines of JSON over a connection to who times, to every process of a job alike: who waits in
it does not spin, as who waits in MPI does.
"""

import base64
import contextlib
import functools
import importlib
import importlib.metadata
import io
import json
import logging
import operator
import os
import resource
import socket
import sys
import time

import numpy as np


class Absent(Exception):
    """The library does not have what is asked for."""


# Of arrays, what has no name.
EXPRESSIONS = {"scale and shift": lambda x: 2 * x + 1, "mask": operator.getitem}


class Library:
    """What is common: scikit-learn's classes and NumPy's functions, on arrays of the library."""

    estimators = functions = None  # the modules they are in

    def version(self):
        return importlib.import_module((self.estimators or self.functions).partition(".")[0]).__version__

    def load(self, file):
        """An operand in the library's arrays."""
        return np.load(file)

    def given(self, values):
        """A parameter that is an array."""
        return values

    # {class or function: {parameter: (what is given, what the library has in its place; None for nothing)}}
    instead = {}

    def adjusted(self, call, params):
        """Parameters that the library calls otherwise; what changed is part of the result."""
        out, self.changed = dict(params), []
        for name, (given, other) in self.instead.get(call.rpartition(".")[2], {}).items():
            if name in out and given in (out[name], None):
                del out[name]
                if other is not None:
                    out[name] = other
                    self.changed.append(f"{name}={other}")
        return out

    def barrier(self):
        pass

    def wait(self):
        """Until a device has done what it was given."""

    def find(self, call):
        """The class or function that ``room.name`` means."""
        room, _, name = call.rpartition(".")
        if room == "array" and name in EXPRESSIONS:
            return EXPRESSIONS[name]
        package = self.functions if room in ("array", "linalg", "fft", "ndimage") else self.estimators
        if package is None:
            raise Absent(f"has no {call}")
        module = package if room == "array" else f"{package}.{room}"
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            raise Absent(f"has no {call}") from None

    def host(self, value):
        """A result in NumPy."""
        return np.asarray(value)

    def begin(self):
        """Before a call that is not timed, to find out what it does."""

    def end(self):
        """What is known of the calls since begin()."""
        return {}


class ScikitLearn(Library):
    estimators = "sklearn"


class Intelex(ScikitLearn):
    """Only what its log says that oneDAL ran counts."""

    estimators = "sklearnex"

    def version(self):
        return importlib.metadata.version("scikit-learn-intelex")

    def begin(self):
        self.log, self.handler = io.StringIO(), None
        self.handler = logging.StreamHandler(self.log)
        logger = logging.getLogger("sklearnex")
        logger.setLevel(logging.INFO)
        logger.addHandler(self.handler)

    def end(self):
        logger = logging.getLogger("sklearnex")
        logger.removeHandler(self.handler)
        logger.setLevel(logging.WARNING)
        said = self.log.getvalue()
        if "running accelerated version" not in said:
            why = said.strip().splitlines()[-1:] or ["its log says nothing"]
            raise Absent(f"oneDAL did not run: {why[0]}")
        return {"ran": "oneDAL"}


class NumPy(Library):
    functions = "numpy"
    own = {"transpose": lambda x: np.ascontiguousarray(x.T)}

    def find(self, call):
        room, _, name = call.rpartition(".")
        return self.own[name] if room == "array" and name in self.own else super().find(call)


class H5py(Library):
    def load(self, file):
        return file

    def find(self, call):
        import h5py

        def read(file):
            with h5py.File(file) as opened:
                return opened["X"][:]

        return read

    def version(self):
        return importlib.metadata.version("h5py")


class SciPy(Library):
    functions = "scipy"
    # SciPy's QR makes an m x m matrix for mode r; its Gram matrix is a product.
    own = {"gram": lambda x: x.T @ x, "matmul": np.matmul}

    def find(self, call):
        room, _, name = call.rpartition(".")
        if call == "linalg.qr":
            pivoted = super().find(call)
            return lambda x, **params: (pivoted if "pivoting" in params else np.linalg.qr)(x, **params)
        if room == "linalg" and name in self.own:
            return self.own[name]
        found = super().find(call)
        if room == "fft":
            return functools.partial(found, workers=int(os.environ["TESSERA_BENCH_CORES"]))
        return found


class Tessera(Library):
    """Arrays over the processes of the job, on the device that TESSERA_BENCH_DEVICE names."""

    estimators = "tessera"

    def __init__(self):
        import tessera

        self.package = tessera
        self.device = os.environ.get("TESSERA_BENCH_DEVICE", "cpu")

    def load(self, file):
        if file.endswith(".h5"):
            return file
        x = self.package.read(file)
        return x if self.device == "cpu" else x.to(self.device)

    def find(self, call):
        room, _, name = call.rpartition(".")
        if room == "io":
            return lambda file: self.package.read(file, "/X")
        if call == "array.transpose":
            return lambda x: self.package.array_api.asarray(x.T, copy=True)
        if room == "array" and name in EXPRESSIONS:
            return EXPRESSIONS[name]
        try:
            module = importlib.import_module("tessera.array_api" if room in ("array", "fft") else f"tessera.{room}")
            return getattr(module.fft if room == "fft" else module, name)
        except (ImportError, AttributeError):
            raise Absent(f"has no {call}") from None

    def barrier(self):
        if self.package.size() > 1:
            self.package.from_local(np.zeros(1)).numpy()

    def host(self, value):
        return value.numpy() if isinstance(value, self.package.Array) else np.asarray(value)

    def begin(self):
        self.trace = contextlib.ExitStack()
        self.file = os.path.join(os.environ["TESSERA_BENCH_WORK"], f"trace-{os.getppid()}.json")
        if self.package.size() > 1:
            self.trace.enter_context(self.package.trace(self.file))

    def end(self):
        """Bytes that all processes send and receive: of the calls that no other call contains."""
        self.trace.close()
        if self.package.size() == 1:
            return {"communicated": 0}
        if self.package.rank() > 0:
            return {}
        with open(self.file) as file:
            events = [e for e in json.load(file)["traceEvents"] if e["ph"] == "X"]
        os.remove(self.file)
        total, until = 0, {}
        for e in sorted(events, key=lambda e: (e["ts"], -e["dur"])):
            if e["tid"] == 0 and e["ts"] >= until.get(e["pid"], -1):
                until[e["pid"]] = e["ts"] + e["dur"]
                total += e["args"]["communicated"]
        return {"communicated": total}


class Heat(Library):
    """Rows over the processes; split by hand, for its own reader knows few files."""

    estimators = functions = "heat"

    instead = {"KMeans": {"n_init": (None, None)}, "PCA": {"svd_solver": ("covariance_eigh", "full")}}

    def __init__(self):
        import heat
        import torch

        self.package = heat
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

    def load(self, file):
        whole = np.load(file, mmap_mode="r")
        _, _, mine = self.package.MPI_WORLD.chunk(whole.shape, split=0)
        return self.package.array(np.array(whole[mine]), is_split=0)

    def given(self, values):
        return self.package.array(values)

    def find(self, call):
        room, _, name = call.rpartition(".")
        room = {"linear_model": "regression"}.get(room, room)
        for module in (f"heat.{room}", "heat") if room != "array" else ("heat",):
            with contextlib.suppress(ImportError, AttributeError):
                found = getattr(importlib.import_module(module), name)
                # Of its pairs (Q, R) and (values, indices) what others give alone.
                part = {"qr": -1, "sort": 0}.get(name)
                return found if part is None else lambda *x, **params: found(*x, **params)[part]
        raise Absent(f"has no {call}")

    def barrier(self):
        self.package.MPI_WORLD.Barrier()

    def host(self, value):
        return value.numpy() if isinstance(value, self.package.DNDarray) else np.asarray(value)


class Dask(Library):
    """Arrays of pieces, on the threads of one process."""

    estimators = "dask_ml"
    instead = {"PCA": {"svd_solver": ("covariance_eigh", "full")}}

    def __init__(self):
        import dask
        import dask.array

        self.cores = int(os.environ["TESSERA_BENCH_CORES"])
        self.arrays = dask.array
        dask.config.set(scheduler="threads", num_workers=self.cores)

    def load(self, file):
        x = np.load(file)
        piece = -(-len(x) // (4 * self.cores))
        return self.arrays.from_array(x, chunks=(piece, *x.shape[1:]))

    def find(self, call):
        if call.startswith("linear_model"):
            raise Absent(f"has no {call} by the same method")
        return super().find(call)


class Mlpack(Library):
    """Its functions as classes; they take and give float64 and run a given number of iterations."""

    def __init__(self):
        import mlpack

        self.package = mlpack

    def version(self):
        return importlib.metadata.version("mlpack")

    def find(self, call):
        library = self.package

        class Model:
            def __init__(self, **params):
                self.params = params

            def __getattr__(self, name):
                raise AttributeError(f"{call} of mlpack has no {name}")

        class KMeans(Model):
            def fit(self, x):
                done = library.kmeans(
                    clusters=self.params["n_clusters"], input_=x, initial_centroids=self.params["init"],
                    max_iterations=self.params["max_iter"], algorithm="naive")
                self.cluster_centers_, self.n_iter_ = done["centroid"], self.params["max_iter"]

        class PCA(Model):
            def fit(self, x):
                library.pca(input_=x, new_dimensionality=self.params["n_components"],
                            decomposition_method="exact")

        class LinearRegression(Model):
            def fit(self, x, y):
                library.LinearRegression(lambda_=0.0).fit(x, y)

        class Ridge(Model):
            def fit(self, x, y):
                library.LinearRegression(lambda_=float(self.params.get("alpha", 1))).fit(x, y)

        found = {c.__name__: c for c in Model.__subclasses__()}.get(call.rpartition(".")[2])
        if found is None:
            raise Absent(f"has no {call}")
        return found


class CuPy(Library):
    functions = "cupy"

    def load(self, file):
        return importlib.import_module("cupy").load(file)

    def given(self, values):
        return importlib.import_module("cupy").asarray(values)

    def wait(self):
        importlib.import_module("cupy").cuda.runtime.deviceSynchronize()

    def host(self, value):
        return value.get() if hasattr(value, "get") else np.asarray(value)


class CuML(CuPy):
    estimators, functions = "cuml", None


class PyTorch(Library):
    functions = "torch"

    def load(self, file):
        return importlib.import_module("torch").from_numpy(np.load(file)).cuda()

    def wait(self):
        importlib.import_module("torch").cuda.synchronize()

    def host(self, value):
        return value.cpu().numpy() if hasattr(value, "cpu") else np.asarray(value)


LIBRARIES = {
    "tessera": Tessera, "scikit-learn": ScikitLearn, "scikit-learn-intelex": Intelex, "numpy": NumPy, "h5py": H5py,
    "scipy": SciPy, "heat": Heat, "dask-ml": Dask, "mlpack": Mlpack, "cupy": CuPy, "cuml": CuML,
    "torch": PyTorch,
}  # fmt: skip


def memory_mb():
    """Memory that this process has, and the most that it had since forget_peak()."""
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))


def forget_peak():
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")


class Contender:
    def __init__(self, name):
        self.adapter = LIBRARIES[name]()
        self.mpi_rank = next((int(os.environ[v]) for v in ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK")
                              if v in os.environ), 0)

    def load(self, call, params, files, first_rows, per):
        """Holds the operands of a case; what is timed is call() on them, without what comes before."""
        self.result = self.model = self.operands = None
        room, _, name = call.rpartition(".")
        self.method = None
        if room.count("."):  # module.Class.method
            self.method, call = name, room
        self.found = self.adapter.find(call)
        params = self.adapter.adjusted(call, params)
        self.params = {n: self.adapter.given(np.array(np.load(files[0], mmap_mode="r")[:first_rows]))
                       if v == "first rows" else v for n, v in params.items()}
        self.operands = [self.adapter.load(file) for file in files]
        self.per = per
        if self.method and not self.method.startswith("fit"):
            self.model = self.found(**self.params)
            self.model.fit(*self.operands)
        resident, _ = memory_mb()
        return {"resident_mb": resident}

    def call(self):
        if self.method is None:
            return self.found(*self.operands, **self.params)
        if self.method.startswith("fit"):
            self.model = self.found(**self.params)
            return getattr(self.model, self.method)(*self.operands)
        return getattr(self.model, self.method)(self.operands[0])

    def run(self):
        self.result = None
        self.adapter.barrier()
        used = resource.getrusage(resource.RUSAGE_SELF)
        begin = time.perf_counter()
        self.result = self.call()
        self.adapter.wait()
        seconds = time.perf_counter() - begin
        after = resource.getrusage(resource.RUSAGE_SELF)
        steps = 1
        if self.per:
            steps = int(np.max(self.adapter.host(getattr(self.model, self.per))))
        return {"seconds": seconds, "steps": steps,
                "cpu_s": after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime}

    def answer(self, names, rows):
        """Attributes of the model, or results by their number, or their norms, as the reference gives them."""
        answers = {}
        for name in names:
            *norm, which = name.split()
            value = self.result
            if which.isdigit():
                value = value[int(which)]
            elif which != "result":
                value = getattr(self.model, which, None)
            if value is None:
                continue
            shape = tuple(getattr(value, "shape", None) or np.shape(value))
            if shape and not norm:
                value = value[:: max(1, shape[0] // rows)]
            values = np.asarray(self.adapter.host(value))
            if norm:
                values = np.linalg.norm(values, keepdims=True)
            if values.dtype.kind == "c":
                values = np.stack([values.real, values.imag])
            values = np.ascontiguousarray(values, dtype=np.float64)
            if self.mpi_rank == 0:
                answers[name] = {"shape": values.shape, "data": base64.b64encode(values).decode()}
        return {"answers": answers}

    def look(self):
        """A call that is not timed: what ran, and what was sent."""
        self.adapter.begin()
        self.call()
        known = self.adapter.end()
        forget_peak()
        ran = [*([known["ran"]] if "ran" in known else []), *self.adapter.changed]
        return known | ({"ran": ", ".join(ran)} if ran else {})

    def memory(self):
        resident, peak = memory_mb()
        return {"resident_mb": resident, "peak_mb": peak}

    def drop(self):
        self.result = self.model = self.operands = None
        return {}


def main():
    name, address, token = sys.argv[1:]
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port))) as connection, connection.makefile("rw") as words:

        def say(what):
            words.write(json.dumps(what) + "\n")
            words.flush()

        try:
            contender = Contender(name)
        except Exception as error:  # the library is not there, or does not work
            say({"token": token, "rank": 0, "error": f"{type(error).__name__}: {error}"})
            return
        say({"token": token, "rank": contender.mpi_rank, "version": contender.adapter.version()})
        for line in words:
            told = json.loads(line)
            try:
                say(getattr(contender, told.pop("do"))(**told))
            except Absent as error:
                say({"absent": str(error)})
            except Exception as error:
                say({"error": f"{type(error).__name__}: {error}".splitlines()[0]})


if __name__ == "__main__":
    main()
