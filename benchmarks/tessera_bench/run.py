"""Runs cases: contenders are live processes that hold the same data and take turns."""

import base64
import contextlib
import datetime
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from . import data, machine, peers, record, table

CONTENDER = Path(__file__).with_name("contender.py")
ROWS = 64  # of a result that are compared
LEAST_S = 0.3  # of turns, for the little ones
MOST_MEMORY = 0.6  # of what is free, for the operands of all contenders


class Failed(Exception):
    """A contender ended, does not answer, or said that something failed."""


class Missing(Failed):
    """A contender does not have what is asked for."""


class Job:
    """The processes of one contender."""

    def __init__(self, server, name, python, processes, threads, device, work, timeout):
        self.name, self.processes, self.threads, self.device = name, processes, threads, device
        self.work, self.timeout, self.files = work, timeout, []
        self.log = Path(work) / f"{name}-{processes}x{threads}-{device}.log"
        token = secrets.token_hex(8)
        host, port = server.getsockname()
        command = [str(python), "-P", str(CONTENDER), name, f"{host}:{port}", token]
        environment = machine.environment(threads) | {
            "TESSERA_BENCH_CORES": str(processes * threads), "TESSERA_BENCH_WORK": str(work),
            "TESSERA_BENCH_DEVICE": device}  # fmt: skip
        with open(self.log, "w") as log:
            self.job = subprocess.Popen(machine.on_processes(processes, command), env=environment,
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            self._accept(server, token)
        except Failed:
            self.end()
            raise

    def _accept(self, server, token):
        found, until = {}, time.monotonic() + self.timeout
        server.settimeout(0.2)
        while len(found) < self.processes:
            if self.job.poll() is not None or time.monotonic() > until:
                raise Failed(self._why("does not start"))
            with contextlib.suppress(TimeoutError):
                connection, _ = server.accept()
                connection.settimeout(self.timeout)
                words = connection.makefile("rw")
                told = json.loads(words.readline() or "{}")
                if told.get("token") != token:
                    connection.close()
                elif "error" in told:
                    raise Failed(told["error"])
                else:
                    found[told["rank"]] = (connection, words)
                    self.version = told["version"]
        self.files = [found[rank] for rank in sorted(found)]

    def _why(self, what):
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return f"{what}: {lines[-1]}" if lines else what

    def ask(self, do, **words):
        """What each process replies. Failed, or Missing, if one does not do it."""
        line = json.dumps({"do": do, **words}) + "\n"
        replies = []
        try:
            for _, file in self.files:
                file.write(line)
                file.flush()
            for _, file in self.files:
                replies.append(json.loads(file.readline()))
        except TimeoutError:
            self.end()
            raise Failed(f"no answer in {self.timeout:g} s, so it was ended") from None
        except (OSError, ValueError):
            self.end()
            raise Failed(self._why("ended")) from None
        for reply in replies:
            if "absent" in reply:
                raise Missing(reply["absent"])
            if "error" in reply:
                raise Failed(reply["error"])
        return replies

    @property
    def alive(self):
        return self.job.poll() is None and bool(self.files)

    def leave(self):
        """Closes the connections; processes that wait for a word then end."""
        for connection, file in self.files:
            with contextlib.suppress(OSError):
                file.close()
            connection.close()
        self.files = []

    def end(self):
        self.leave()
        for number in (0, signal.SIGTERM, signal.SIGKILL):  # mpirun passes SIGTERM on
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.job.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.job.wait(timeout=None if number == signal.SIGKILL else 5)
                return


def difference(answers, reference, check):
    """The largest deviation from the reference in units of what is allowed; None if nothing is compared."""
    worst = None
    for name, tolerance in check.items():
        key = name.strip("|")
        if key not in answers or key not in reference:
            continue
        a, b = (np.frombuffer(base64.b64decode(side[key]["data"])).reshape(side[key]["shape"])
                for side in (answers, reference))
        if name.startswith("|"):
            a, b = abs(a), abs(b)
        if a.size != b.size:
            return float("inf")
        scale = max(float(np.max(abs(b), initial=0)), 1e-300)
        off = float(np.max(abs(a.ravel() - b.ravel()), initial=0)) / scale
        off = off / tolerance if tolerance > 0 else (0.0 if off == 0 else 2.0)
        worst = max(worst or 0.0, off if off == off else float("inf"))
    return worst


class Session:
    """All runs of one call of the program."""

    def __init__(self, options, say):
        self.options, self.say = options, say
        self.program = os.environ.get("TESSERA_PROGRAM") or shutil.which("tessera")
        if not self.program:
            raise table.SuiteError("the program tessera is not found; start this as `tessera bench`")
        self.jobs, self.broken, self.references = {}, {}, {}
        self.run = f"{datetime.datetime.now():%Y%m%dT%H%M%S}-{os.getpid()}"
        self.records = []

    def __enter__(self):
        self.out = open(self.options.json, "a") if self.options.json else None
        self.work = tempfile.mkdtemp(prefix="tessera-bench-", dir=self.options.work)
        host = machine.own_address() if "TESSERA_BENCH_MPIRUN" in os.environ else "127.0.0.1"
        self.server = socket.create_server((host, 0), backlog=1024)
        return self

    def __exit__(self, *_):
        for end in (Job.leave, Job.end):
            for job in self.jobs.values():
                end(job)
        self.server.close()
        shutil.rmtree(self.work, ignore_errors=True)
        if self.out:
            self.out.close()

    def write(self, kind, **fields):
        made = record.checked({"kind": kind, "run": self.run, **fields})
        self.records.append(made)
        if self.out:
            self.out.write(json.dumps(made) + "\n")
            self.out.flush()
        return made

    def begin(self):
        import tessera_bench

        self.facts = machine.describe(self.program, self.options.layouts, self.work)
        version = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
        here = Path(tessera_bench.__file__).resolve().parent
        commit = subprocess.run(["git", "-C", here, "describe", "--always", "--dirty"], capture_output=True, text=True)
        if commit.returncode == 0:
            version += "+" + commit.stdout.strip()
        self.write("machine", date=f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %z}", version=version,
                   suite=self.options.suite, **self.facts)
        self.pythons = {"tessera": sys.executable}
        for name in self.options.peers:
            try:
                self.pythons[name] = peers.python_of(peers.PEERS[name], self.say)
            except peers.CannotRun as error:
                self._absent(None, name, str(error))

    def _absent(self, case, name, reason):
        self.write("absent", case=case, contender=name, reason=reason)
        self.say(f"  {name}: {reason}")

    def _contenders(self, case, layouts):
        """(name, processes, threads, device) of all that have the room of the case."""
        room, found = peers.room_of(case.call), []
        for processes, threads in layouts:
            for name in self.pythons:
                peer = peers.PEERS.get(name)
                if name == "tessera":
                    found += [(name, processes, threads, device) for device in self.options.devices]
                elif room in peer.rooms:
                    cores = processes * threads
                    found.append((name, processes, threads, "cpu") if peer.mpi else
                                 (name, 1, cores, "cuda" if peer.gpu else "cpu"))
        return list(dict.fromkeys(found))

    def _job(self, key):
        """The live processes of a contender; Failed if they do not start."""
        name, processes, threads, device = key
        if key in self.broken:
            raise Failed(self.broken[key])
        if key not in self.jobs or not self.jobs[key].alive:
            try:
                self.jobs[key] = Job(self.server, name, self.pythons.get(name) or self.references[name], processes, threads, device, self.work,
                                     self.options.timeout)
            except Failed as error:
                self.broken[key] = str(error)
                raise
        return self.jobs[key]

    def _shrunk(self, case, contenders):
        """The case with n halved until all can hold the data."""
        asked = case.sizes
        limit = machine.available_mb() * 2**20 * MOST_MEMORY / (contenders + 1)
        entry = case.entry
        while case.bytes > limit and case.sizes.get("n", 0) > 1:
            case = table.make_case(entry, case.suite, case.sizes | {"n": case.sizes["n"] // 2})
        if case.sizes != asked:
            self.say(f"  n is {case.sizes['n']}, for {contenders} contenders hold the data in memory")
        return case

    def case(self, case):
        """Times all contenders of a case."""
        if case.suite == "weak":
            by_cores = {}
            for layout in self.options.layouts:
                by_cores.setdefault(layout[0] * layout[1], []).append(layout)
            for cores, layouts in by_cores.items():
                grown = table.make_case(case.entry, case.suite, case.sizes | {"n": case.sizes["n"] * cores})
                self._time(grown, layouts, case.sizes)
        else:
            self._time(case, self.options.layouts, case.sizes)

    def _time(self, case, layouts, asked):
        contenders = self._contenders(case, layouts)
        self.say(case.title)
        case = self._shrunk(case, len(contenders))
        files = data.write_all(case, self.work)
        words = {"call": case.call, "params": case.params, "files": files, "per": case.per,
                 "first_rows": case.params.get("n_clusters", 0)}
        names = [name.strip("|") for name in case.check]
        ready, reference = {}, self._reference(case, words, names, contenders)
        for key in contenders:
            try:
                job = self._job(key)
                resident = sum(r["resident_mb"] for r in job.ask("load", **words))
                known = {k: v for reply in job.ask("look") for k, v in reply.items()}
                ready[key] = {"job": job, "turns": [], "resident": resident, "known": known, "off": None}
            except Failed as error:
                self._absent(case.name, f"{key[0]} {key[1]}x{key[2]}", str(error))
        beside = self._turns(case, ready, names, reference)
        for key, state in ready.items():
            if state["turns"]:
                self._write_times(case, asked, key, state, beside)
        for key in ready:
            with contextlib.suppress(Failed):
                if ready[key]["job"].alive:
                    ready[key]["job"].ask("drop")
        for file in files:
            os.remove(file)

    def _reference(self, case, words, names, contenders):
        """The answers of NumPy, SciPy or scikit-learn, which all others must give; {} if there are none."""
        name = peers.REFERENCE[peers.room_of(case.call)]
        key = next((k for k in contenders if k[0] == name), (name, 1, machine.cores(), "cpu"))
        try:
            if name not in self.references:
                self.references[name] = self.pythons.get(name) or peers.python_of(peers.PEERS[name], self.say)
            job = self._job(key)
            job.ask("load", **words)
            job.ask("run")
            answers = job.ask("answer", names=names, rows=ROWS)[0]["answers"]
            job.ask("drop")
            return answers
        except (Failed, peers.CannotRun) as error:
            self.say(f"  nothing to compare with, for {name} {error}")
            return {}

    def _turns(self, case, ready, names, reference):
        """Rounds, until each contender has had its turns; who begins changes.

        The cores taken away and at work on other things meanwhile, on average: ticks are too long for a turn.
        """
        meter, whole, number, used = machine.Meter(), machine.Meter(), 0, 0.0
        whole.begin()
        begin = time.perf_counter()
        while True:
            waiting = [key for key, state in ready.items() if not self._enough(state["turns"])]
            if not waiting:
                did, seconds = whole.end(), time.perf_counter() - begin
                return {"stolen": did["stolen_s"] / seconds, "others": max(0.0, did["busy_s"] - used) / seconds}
            at = number % len(waiting)
            for key in waiting[at:] + waiting[:at]:
                state = ready[key]
                try:
                    meter.begin()
                    replies = state["job"].ask("run")
                    did = meter.end()
                    used += sum(r["cpu_s"] for r in replies)
                    answers = state["job"].ask("answer", names=names, rows=ROWS)[0]["answers"]
                    off = difference(answers, reference, case.check)
                    if off is not None:
                        state["off"] = max(state["off"] or 0.0, off)
                    state["turns"].append({
                        "seconds": max(r["seconds"] for r in replies), "steps": replies[0]["steps"],
                        "cpu_s": sum(r["cpu_s"] for r in replies), "energy_j": did["energy_j"]})  # fmt: skip
                except Failed as error:
                    self._absent(case.name, f"{key[0]} {key[1]}x{key[2]}", str(error))
                    ready[key]["turns"] = []
                    ready[key]["failed"] = True
            for key in [key for key, state in ready.items() if state.get("failed")]:
                del ready[key]
            number += 1

    def _enough(self, turns):
        repeat = self.options.repeat
        return len(turns) >= repeat and (sum(t["seconds"] for t in turns) > LEAST_S or len(turns) >= 4 * repeat)

    def _write_times(self, case, asked, key, state, beside):
        name, processes, threads, device = key
        turns = state["turns"]
        try:
            peak = sum(r["peak_mb"] for r in state["job"].ask("memory"))
        except Failed as error:
            return self._absent(case.name, name, str(error))
        floor, bound = self._floor(case, processes * threads, device)
        energy = [t["energy_j"] / t["steps"] for t in turns if t["energy_j"] is not None]
        made = self.write(
            "time", suite=case.suite, case=case.name, call=case.call, sizes=case.sizes, asked=asked, dtype=case.dtype,
            device=device, contender=name, version=state["job"].version, processes=processes, threads=threads,
            seconds=[t["seconds"] / t["steps"] for t in turns],
            cpu_s=median(t["cpu_s"] / t["steps"] for t in turns), per=case.per, flops=case.flops,
            bytes=case.read + case.write + case.file, floor_s=floor, bound=bound,
            difference=None if state["off"] is None else min(state["off"], 1e300),
            agrees=None if state["off"] is None else state["off"] <= 1,
            communicated=state["known"].get("communicated"), data_mb=case.bytes / 2**20,
            above_mb=max(0.0, peak - state["resident"]), energy_j=median(energy) if energy else None,
            ran=state["known"].get("ran"), **beside)  # fmt: skip
        self.say("  " + line(made))

    def _floor(self, case, cores, device):
        """The least time that arithmetic or memory leaves, and which of them it is."""
        if device != "cpu" or not (case.flops or case.read or case.write or case.file):
            return None, None
        peak = self.facts["peaks"][str(cores)]
        times = {"arithmetic": case.flops / peak[f"fma_{case.dtype}_gflops"] / 1e9,
                 "memory": case.read / peak["read_gbs"] / 1e9 + case.write / peak["write_gbs"] / 1e9}
        if case.file:  # what was just written is in the page cache
            times["file"] = case.file / self.facts["peaks"][min(self.facts["peaks"], key=int)]["cached_read_gbs"] / 1e9
        bound = max(times, key=times.get)
        return times[bound], bound


def line(r):
    """What is printed of a time."""
    floor = f"{record.middle(r) / r['floor_s']:6.2f} x floor" if r["floor_s"] else ""
    agrees = {True: "", False: "  DIFFERS from the reference", None: "  not compared"}[r["agrees"]]
    return (f"{record.who(r):28} {1e3 * record.middle(r):11.3f} ms +- {100 * record.spread(r):4.1f} %  {floor}{agrees}"
            + (f"  {r['ran']}" if r["ran"] else ""))


def run(options, say):
    """Runs a suite; the records, which are also appended to options.json."""
    chosen = table.cases(options.suite, options.only)
    with Session(options, say) as session:
        session.begin()
        peak = session.facts["peaks"][str(max(p * t for p, t in options.layouts))]
        say(f"{session.facts['processor']}, {session.facts['cores']} cores: float32 {peak['fma_float32_gflops']:.0f} "
            f"GFLOP/s, float64 {peak['fma_float64_gflops']:.0f}, memory {peak['read_gbs']:.1f} GB/s read, "
            f"{peak['write_gbs']:.1f} written")
        for case in chosen:
            session.case(case)
        return session.records
