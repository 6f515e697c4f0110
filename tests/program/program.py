"""Runs the program `tessera` under mpirun and reads and writes its files."""

import json
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

PROGRAM = Path(
    os.environ.get("TESSERA_PROGRAM")
    or Path(__file__).parents[2] / "build/release/tools/tessera"
)
PLUGIN = Path(PROGRAM).parents[1] / "examples/plugin/plain.so"
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none"]
# After a failure mpirun would wait two seconds for processes that ended already; and a search for
# networks takes longer than most tests. Who waits does not spin, for others may need the core.
MPIRUN += ["--mca", "odls_base_sigkill_timeout", "0", "--mca", "pml", "ob1", "--mca", "btl", "self,vader"]


@dataclass
class Result:
    code: int
    out: str
    err: str  # without what mpirun itself prints


def tessera(
    *arguments, processes=1, threads=1, expect=0, timeout=60, under_mpirun=False, through=(), **environment
):
    """Runs `tessera arguments...` on `processes`; still running after `timeout` seconds is a failure.

    One process is started without mpirun, which takes less time, unless it has `under_mpirun`.
    `through` has words before it, as of a shell that starts it. `expect` is the exit status it must have, None for any;
    `environment` is added to this one's.
    """
    command = [*through, PROGRAM, *arguments]
    if processes > 1 or under_mpirun:
        command = [*MPIRUN, "-n", processes, *command]
    job = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ
        | {"TESSERA_THREADS": str(threads), "OMPI_MCA_mpi_yield_when_idle": "1"}
        | {name: str(value) for name, value in environment.items()}
        | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"},
    )
    try:
        out, err = job.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(job.pid, signal.SIGKILL)
        out, err = job.communicate()
        raise AssertionError(f"still running after {timeout} s: {command}\n{out}\n{err}") from None
    result = Result(job.returncode, out, without_mpirun(err))
    if expect is not None:
        assert result.code == expect, f"exit status {result.code}, not {expect}: {command}\n{err}"
    return result


def without_mpirun(err):
    """Standard error without mpirun's epilogue, which stands between lines of dashes.

    Nor with what its event loop says, rarely, of a process that closed its connection first.
    """
    err = re.sub(r"^-{60,}\n.*?^-{60,}\n", "", err, flags=re.MULTILINE | re.DOTALL)
    err = re.sub(r"^\[warn\] Epoll .*\n?", "", err, flags=re.MULTILINE)
    return "\n".join(line for line in err.splitlines() if line.strip())


def write(path, **datasets):
    """Writes an HDF5 file; returns its path."""
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values
    return path


def read(path, name):
    with h5py.File(path) as file:
        return file[name][()]


def show(path, *options):
    return json.loads(tessera("show", path, *options).out)


def value_of(shown):
    """A value from the JSON of `show` as Python has it; null in an array is NaN."""
    if isinstance(shown, dict):
        data = [np.nan if x is None else x for x in shown["data"]]
        return np.array(data, dtype=shown["dtype"]).reshape(shown["shape"])
    return shown


def flags(params):
    """{'n_clusters': 3} as ['--n-clusters', '3']; arrays travel in files."""
    words = []
    for name, value in params.items():
        if isinstance(value, np.ndarray):
            value = f"{write(f'{name}.h5', values=value)}:/values"
        words += ["--" + name.replace("_", "-"), str(value)]
    return words


class Fitted:
    """An estimator fitted by `tessera fit` in the current folder."""

    def __init__(self, estimator, X, y=None, sample_weight=None, processes=2, **params):
        self.processes = processes
        inputs = {"X": X, "y": y, "w": sample_weight}
        write("fit.h5", **{name: v for name, v in inputs.items() if v is not None})
        words = ["fit", estimator, "fit.h5:/X"]
        words += [] if y is None else ["--y", "fit.h5:/y"]
        words += [] if sample_weight is None else ["--sample-weight", "fit.h5:/w"]
        words += ["--labels", "labels.h5:/labels"] if estimator == "KMeans" else []
        self.result = tessera(
            *words, *flags(params), "--model", "model.tessera", processes=processes
        )
        model = show("model.tessera", "--full")
        self.estimator, self.params = model["estimator"], model["params"]
        self.chosen = model.get("chosen", {})
        self.attributes = {name: value_of(v) for name, v in model["attributes"].items()}
        self.dtypes = {
            name: v["dtype"] for name, v in model["attributes"].items() if isinstance(v, dict)
        }

    def __getattr__(self, name):
        try:
            return self.attributes[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def labels_(self):
        return read("labels.h5", "labels")

    def call(self, command, X=None):
        """What a subcommand makes of the model, and of X where it takes data."""
        words = [] if X is None else [write("in.h5", X=X)]
        tessera(command, "model.tessera", *words, "--out", "out.h5:/out", processes=self.processes)
        return read("out.h5", "out")

    def predict(self, X):
        return self.call("predict", X)

    def transform(self, X):
        return self.call("transform", X)

    def score(self, X, y=None):
        write("in.h5", X=X)
        words = [] if y is None else ["--y", f"{write('in_y.h5', y=y)}:/y"]
        result = tessera("score", "model.tessera", "in.h5:/X", *words, processes=self.processes)
        return float(result.out)


def run_table(name, file, wanted, processes, rtol=1e-12):
    """Runs the calls of a table that stand in `wanted`, with the datasets that each writes, and compares these. Words
    that name a dataset of `file` stand for it."""
    write("a.h5", **file)
    lines = [[f"a.h5:/{word}" if word in file else word for word in call.split()] for call in wanted]
    Path("cases").write_text("\n".join(" ".join([*words, "--out", f"{k}.h5"]) for k, words in enumerate(lines)))
    tessera(name, "batch", "cases", processes=processes)
    for k, (call, datasets) in enumerate(wanted.items()):
        for dataset, want in datasets.items():
            got, want = read(f"{k}.h5", dataset), np.asarray(want)
            assert got.dtype == want.dtype, f"{call}: {got.dtype} instead of {want.dtype}"
            near = max(rtol, 1e-5) if want.dtype in (np.float32, np.complex64) else rtol
            np.testing.assert_allclose(got, want, rtol=near, atol=near * np.abs(want).max(initial=1), err_msg=call)
