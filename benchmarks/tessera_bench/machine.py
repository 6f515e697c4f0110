"""What the machine is, can do at most, and did beside what was timed."""

import contextlib
import glob
import json
import os
import platform
import shutil
import socket
import subprocess
from pathlib import Path


def mpirun():
    """The words before `-n N`; TESSERA_BENCH_MPIRUN has others, such as those of a batch system."""
    said = os.environ.get("TESSERA_BENCH_MPIRUN")
    return said.split() if said else ["mpirun", "--oversubscribe", "--bind-to", "none"]


def on_processes(count, command):
    return [*mpirun(), "-n", str(count), *command] if count > 1 else list(command)


def own_address():
    """Where other machines find this one: what its name means; where that is the loopback, as on Debian,
    the address that it sends from."""
    with contextlib.suppress(OSError):
        found = socket.gethostbyname(socket.gethostname())
        if not found.startswith("127."):
            return found
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unsent:
        unsent.connect(("192.0.2.1", 9))
        return unsent.getsockname()[0]
    return "127.0.0.1"


def environment(threads):
    """That of a process with so many threads, of whichever library."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TESSERA_THREADS")
    more = {name: str(threads) for name in names} | {"PYTHONHASHSEED": "0", "OMPI_MCA_mpi_yield_when_idle": "1"}
    if os.geteuid() == 0:
        more |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return os.environ | more


def cores():
    return len(os.sched_getaffinity(0))


def gpu():
    """The name of the first GPU, or None."""
    if not shutil.which("nvidia-smi"):
        return None
    try:
        said = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True,
                              text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return None
    return said.stdout.splitlines()[0] if said.returncode == 0 and said.stdout.strip() else None


def available_mb():
    with open("/proc/meminfo") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["MemAvailable"].split()[0]) / 1024


def processor():
    with open("/proc/cpuinfo") as file:
        return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")),
                    platform.machine())


def peaks(program, processes, threads, folder=None):
    """What `tessera peaks` measures; RuntimeError with its text where it fails."""
    words = [program, "peaks", "--threads", str(threads), *(["--folder", str(folder)] if folder else [])]
    done = subprocess.run(on_processes(processes, words), capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env=environment(threads), timeout=300)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def energy_files():
    """RAPL's counters of whole packages, as far as they can be read."""
    found = glob.glob("/sys/class/powercap/intel-rapl:?/energy_uj") + glob.glob(
        "/sys/class/powercap/intel-rapl:??/energy_uj")
    return [Path(name) for name in found if os.access(name, os.R_OK)]


class Meter:
    """What the machine did from begin() to end(): time stolen from it, all work on it, energy."""

    def __init__(self):
        self.files = energy_files()
        self.tick = os.sysconf("SC_CLK_TCK")

    def _now(self):
        with open("/proc/stat") as file:
            # user nice system idle iowait irq softirq steal
            ticks = [int(word) / self.tick for word in file.readline().split()[1:9]]
        return ticks[7], sum(ticks[:3]) + ticks[5] + ticks[6], [int(f.read_text()) for f in self.files]

    def begin(self):
        self.before = self._now()

    def end(self):
        """Seconds that were stolen, seconds of all processes' work, joules (None: not to be read)."""
        stolen, busy, energy = self._now()
        joules = None
        if self.files:
            joules = 0.0
            for file, a, b in zip(self.files, self.before[2], energy):
                wrap = int((file.parent / "max_energy_range_uj").read_text()) if b < a else 0
                joules += (b - a + wrap) / 1e6
        return {"stolen_s": stolen - self.before[0], "busy_s": busy - self.before[1], "energy_j": joules}


def describe(program, layouts, folder):
    """The facts of a run's machine, with the peaks for each number of cores that is used."""
    facts = {
        "host": platform.node(), "processor": processor(), "cores": cores(), "kernel": platform.release(),
        "memory_mb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20), "gpu": gpu(),
        "energy": bool(energy_files()), "peaks": {},
    }  # fmt: skip
    for processes, threads in sorted(layouts, key=lambda layout: layout[0] * layout[1]):
        used = processes * threads
        if str(used) not in facts["peaks"]:
            # One process where that has the cores: it starts sooner.
            how = (1, used) if used <= cores() else (processes, threads)
            facts["peaks"][str(used)] = peaks(program, *how, None if facts["peaks"] else folder)
    return facts
