"""Runs pytest on all processes of a job: mpirun -n N python together.py [pytest's arguments].

All processes run the same tests in the same order and agree on every outcome: a test that fails on
one of them fails. The first one reports. A process that leaves a test in which the others stay, or a
test that none leaves, ends the job with stacks and a status other than 0, and without a report.
In a test the current folder is one for all processes; skip on conditions that are equal on all.
"""

import faulthandler
import os
import shutil
import sys
import tempfile
from multiprocessing.connection import Client, Listener
from pathlib import Path

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # read when SciPy is first imported
if os.environ.get("TOGETHER_FIRST") == "mpi4py":  # which then starts MPI
    import mpi4py.MPI  # noqa: F401

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import tessera  # noqa: E402

LIMIT = float(os.environ.get("TOGETHER_LIMIT", 120))  # seconds a test may take
GRACE = float(os.environ.get("TOGETHER_GRACE", 20))  # that one who failed waits for the others


class Together:
    def __init__(self):
        self.rank, self.size = tessera.rank(), tessera.size()
        self.err = os.fdopen(os.dup(2), "w")  # which pytest does not capture
        path = tempfile.mkdtemp(prefix="together-") if self.rank == 0 else ""
        if self.rank == 0:
            listener = Listener(f"{path}/socket", "AF_UNIX", backlog=self.size)
        path = tessera.from_local(np.frombuffer(path.encode(), dtype=np.uint8)).numpy()
        self.folder = Path(path.tobytes().decode())
        # Sockets, for MPI's messages may be what goes wrong in a test.
        if self.rank == 0:
            self.others = [listener.accept() for _ in range(1, self.size)]
        else:
            self.first = Client(f"{self.folder}/socket", "AF_UNIX")
        self.folders = 0

    def exchange(self, mine, patience=LIMIT):
        """What all processes pass, by rank. Who does not come in time ends the job."""
        try:
            if self.rank > 0:
                self.first.send((self.rank, mine))
                return self._receive(self.first, patience)
            everyone = dict([(0, mine), *(self._receive(each, patience) for each in self.others)])
            everyone = [everyone[rank] for rank in range(self.size)]
            for each in self.others:
                each.send(everyone)
            return everyone
        except (OSError, EOFError) as error:
            print(f"[process {self.rank} of {self.size}] {type(error).__name__}: {error or 'another process ended'}; "
                  f"here: {mine}", file=self.err, flush=True)  # fmt: skip
            os._exit(1)

    @staticmethod
    def _receive(connection, patience):
        if not connection.poll(patience):
            raise TimeoutError(f"another process did not come within {patience:g} s")
        return connection.recv()

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config):
        if self.rank > 0:
            config.option.xmlpath = None

    def pytest_collection_finish(self, session):
        collected = [item.nodeid for item in session.items]
        if any(other != collected for other in self.exchange(collected)):
            raise pytest.UsageError("the processes have not collected the same tests")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        faulthandler.dump_traceback_later(LIMIT, exit=True, file=self.err)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        mine = (report.nodeid, report.when, report.outcome, report.longreprtext)
        everyone = self.exchange(mine, GRACE if report.failed else LIMIT)
        outcomes = [outcome for _, _, outcome, _ in everyone]
        if len(set(outcomes)) > 1:
            where = next(r for r, outcome in enumerate(outcomes) if outcome == "failed" or r + 1 == self.size)
            report.outcome = "failed"
            report.longrepr = (f"by process: {', '.join(outcomes)}; process {where} of {self.size}:\n\n"
                               f"{everyone[where][3]}")  # fmt: skip
        return report

    @pytest.fixture
    def everyones(self):
        """A function that gives what each process passes, by rank."""
        return self.exchange

    @pytest.fixture
    def tmp_path(self):
        """One folder for all processes."""
        self.folders += 1
        folder = self.folder / str(self.folders)
        folder.mkdir(exist_ok=True)
        return folder


if __name__ == "__main__":
    plugin = Together()
    if plugin.rank > 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    status = pytest.main(sys.argv[1:], plugins=[plugin])
    plugin.exchange(status)
    if plugin.rank == 0:
        shutil.rmtree(plugin.folder)
    sys.exit(status)
