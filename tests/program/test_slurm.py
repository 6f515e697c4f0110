"""benchmarks/slurm/sweep.sh in a real Slurm of this machine, which the test starts and ends."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from program import PROGRAM
from test_bench import SUITE

SWEEP = Path(__file__).parents[2] / "benchmarks/slurm/sweep.sh"
CONFIGURATION = """
ClusterName=test
SlurmctldHost=localhost
SlurmUser=root
SlurmdUser=root
SlurmctldPort={port}
SlurmdPort={port1}
AuthType=auth/munge
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdSpoolDir={folder}/slurmd
StateSaveLocation={folder}/state
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
KillWait=5
NodeName=localhost CPUs={cores} Boards=1 SocketsPerBoard=1 CoresPerSocket={cores} ThreadsPerCore=1 RealMemory=1000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
MUNGE = Path("/run/munge/munge.socket.2")


def until(true, what):
    for _ in range(300):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError(f"{what} does not start")


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    started = []

    def start(*command):
        log = open(tmp_path / f"{command[0]}.log", "w")
        started.append(subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL))

    (tmp_path / "state").mkdir()
    (tmp_path / "slurmd").mkdir()
    port = 20000 + os.getpid() % 10000
    configuration = tmp_path / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path, cores=len(os.sched_getaffinity(0)), port=port,
                                                  port1=port + 1))
    monkeypatch.setenv("SLURM_CONF", str(configuration))
    try:
        if not MUNGE.exists():
            for folder in ("/run/munge", "/var/log/munge", "/var/lib/munge"):
                Path(folder).mkdir(exist_ok=True)
                shutil.chown(folder, "munge", "munge")
            start("runuser", "-u", "munge", "--", shutil.which("munged"), "--foreground")
            until(MUNGE.exists, "munged")
        start("slurmctld", "-D")
        start("slurmd", "-D", "-N", "localhost")
        until(lambda: "idle" in subprocess.run(["sinfo", "--noheader"], capture_output=True, text=True).stdout,
              "slurmd")
        yield
    finally:
        for job in reversed(started):
            job.send_signal(signal.SIGTERM)
        for job in started:
            job.wait(timeout=30)


@pytest.mark.skipif(not all(map(shutil.which, ("slurmctld", "slurmd", "munged"))),
                    reason="there is no Slurm (Debian's slurm-wlm and munge)")  # fmt: skip
@pytest.mark.skipif(os.geteuid() != 0, reason="a Slurm of one's own is started by root")
def test_a_sweep_over_processes(slurm, tmp_path):
    tiny = tmp_path / "tiny.toml"
    tiny.write_text(SUITE[: SUITE.index("[[case]]", 10)].replace("tiny = [{n = 3000, p = 4, k = 3}, ", "weak = ["))
    done = subprocess.run(
        [SWEEP, "1", "2"], capture_output=True, text=True, timeout=600,
        env=os.environ | {"SUITES": str(tiny), "TESSERA": str(PROGRAM), "POLL": "0.3",
                          "ARGUMENTS": "--repeat 2", "TESSERA_BENCH_MPIRUN": "mpirun --oversubscribe --bind-to none"},
    )  # fmt: skip
    said = done.stdout + done.stderr + "".join(log.read_text() for log in tmp_path.glob("*.out"))
    assert done.returncode == 0, said
    records = [json.loads(line) for line in Path("results.jsonl").read_text().splitlines()]
    found = {(r["sizes"]["n"], r["processes"]) for r in records if r["kind"] == "time"}
    # Weak: n is that of one core times the cores; the job of two tasks has timed one, too.
    assert found == {(10_000, 1), (20_000, 2)}, said
    assert len({r["run"] for r in records}) == 2
    assert all(r["agrees"] for r in records if r["kind"] == "time")
    assert "Weak scaling" in Path("results.html").read_text()


def test_words_that_mean_nothing():
    done = subprocess.run([SWEEP, "two"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "usage: sweep.sh TASKS" in done.stderr
