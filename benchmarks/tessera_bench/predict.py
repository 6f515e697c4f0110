"""Times on a cluster that is not here: SimGrid simulates the messages that Tessera's runtime sends on a
fat tree of nodes, each of which computes as fast as this machine was measured to."""

import json
import math
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import choose, record, table

STRONG_ROWS = 256  # times the rows of the case, on all nodes together
BASE = {"weak": 1, "strong": 16}  # nodes that efficiencies are relative to
# Of k-means in DAAL on 4 to 1024 nodes the first and the last published efficiency.
PUBLISHED = {"strong": ("DAAL k-means, published", [(4, 1.0), (1024, 0.83)]),
             "weak": ("DAAL k-means, published", [(4, 1.0), (1024, 0.88)])}  # fmt: skip
BANDWIDTH, LATENCY = "12.5GBps", "1us"  # of a link: 100 Gbit/s


@dataclass
class Pattern:
    """What a step of a case sends."""

    name: str  # of tessera-simulate
    values: int = 0  # of a partial
    header: int = 0
    grain: int = 0
    solution: int = 0  # values that rank 0 hands out after the solve
    item: int = 0  # bytes of a row, where rows move
    passes: int = 0  # in which all of them do


def pattern_of(case, sizes):
    """Of a case of the table; None for those whose messages are not known here."""
    p = sizes.get("p", 1)
    if case == "KMeans, an iteration":
        k = sizes["k"]
        return Pattern("reduce", values=k * p + k + 1, grain=1)
    if case == "PCA":
        return Pattern("reduce", 1 + p + p * p, 1 + p, p, solution=p * p + p)
    if case == "LinearRegression":
        m = p + 1
        return Pattern("reduce", 1 + m + m * m, 1 + m, m, solution=p)
    if case == "LogisticRegression, an iteration":
        return Pattern("reduce", values=p + 2, grain=1)
    if case == "qr, r alone":
        return Pattern("tree", values=p * p)
    if case == "sort":
        return Pattern("sort", item=8, passes=1)
    if case == "fft":
        return Pattern("fft", item=16, passes=3)
    return None


def platform(nodes):
    """A fat tree with as many links up as down: switches of 16 nodes, groups of 16 switches."""
    down = []
    while nodes > 16:
        if nodes % 16:
            raise table.SuiteError(f"--nodes must be 1 to 16, or 16 times such a number, got {nodes}")
        down.append(16)
        nodes //= 16
    down.append(nodes)
    up = [1, *[16] * (len(down) - 1)]
    shape = f"{len(down)};{','.join(map(str, down))};{','.join(map(str, up))};{','.join(['1'] * len(down))}"
    return (
        "<?xml version='1.0'?>\n"
        '<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">\n'
        '<platform version="4.1"><cluster id="tree" prefix="n" suffix="" '
        f'radical="0-{math.prod(down) - 1}" speed="1Gf" bw="{BANDWIDTH}" lat="{LATENCY}" topology="FAT_TREE" '
        f'topo_parameters="{shape}" loopback_bw="10GBps" loopback_lat="0.1us"/></platform>\n'
    )


def programs():
    """smpirun, and what it runs. RuntimeError says how to get them."""
    smpirun = os.environ.get("TESSERA_SMPIRUN") or shutil.which("smpirun")
    if not smpirun or not os.access(smpirun, os.X_OK):
        raise RuntimeError("predict needs SimGrid, which is not here: apt-get install libsimgrid-dev, and build "
                           "Tessera again")
    here = Path(os.environ.get("TESSERA_PROGRAM") or shutil.which("tessera") or "tessera")
    simulated = here.with_name("tessera-simulate")
    if not simulated.exists():
        raise RuntimeError(f"predict needs {simulated}, which a build makes where SimGrid is: build Tessera again")
    return smpirun, simulated


def simulate(pattern, nodes, **numbers):
    """Seconds of a step on so many nodes, and messages and bytes of all of them."""
    smpirun, simulated = programs()
    with tempfile.TemporaryDirectory(prefix="tessera-predict-") as folder:
        file = Path(folder) / "platform.xml"
        file.write_text(platform(nodes))
        command = [
            smpirun, "-quiet", "-no-privatize", "-np", nodes, "-platform", file, "--log=root.thres:critical",
            "--cfg=smpi/simulate-computation:no", "--cfg=smpi/bcast:binomial_tree", "--cfg=smpi/allgather:bruck", "--cfg=smpi/allreduce:rdb",
            # Messages have the links' bandwidth but for 5 % and their latency, and cost a core 0.3 us at each end.
            "--cfg=smpi/bw-factor:0:0.95", "--cfg=smpi/lat-factor:0:1", "--cfg=smpi/os:0:3e-7:0", "--cfg=smpi/or:0:3e-7:0",
            simulated, pattern.name, *(f"{name}={value!r}" for name, value in numbers.items())]  # fmt: skip
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env=os.environ | {"TESSERA_THREADS": "1"})
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        said = (done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}").splitlines()[-1]
        raise RuntimeError(f"smpirun on {nodes} nodes failed: {said}") from None


def measured(records):
    """{(case, sizes but n, dtype): {n: time}} of Tessera on one process with the most threads."""
    ours = [r for r in choose.times(records) if r["contender"] == "tessera" and r["processes"] == 1
            and r["device"] == "cpu" and "n" in r["sizes"] and pattern_of(r["case"], r["sizes"])]
    threads = max((r["threads"] for r in ours), default=0)
    groups = {}
    for r in ours:
        if r["threads"] == threads:
            others = tuple((name, value) for name, value in r["sizes"].items() if name != "n")
            groups.setdefault((r["case"], others, r["dtype"]), {})[r["sizes"]["n"]] = r
    if not groups:
        raise RuntimeError("no times of Tessera on one process to predict from: write some with `tessera bench "
                           "--suite strong --json FILE`, and weak")
    return groups


def costs(times):
    """Seconds a row, and those of a step that rows do not change: what two sizes tell apart."""
    (low, a), (high, b) = min(times.items()), max(times.items())
    if low == high:
        return record.middle(b) / high, 0.0
    row = (record.middle(b) - record.middle(a)) / (high - low)
    if not 0 < row * high <= record.middle(b):  # noise
        return record.middle(b) / high, 0.0
    return row, record.middle(b) - row * high


def predictions(records, nodes, modes, only, speed, say):
    """Records of kind prediction, and of the machines that they rest on."""
    machines, used = choose.machines(records), set()
    for (case, others, dtype), times in measured(records).items():
        if only and not any(word.lower() in case.lower() for word in only):
            continue
        n, last = max(times.items())
        row_s, fixed_s = costs(times)
        sizes = {"n": n, **dict(others)}
        pattern = pattern_of(case, sizes)
        peak = machines[last["run"]]["peaks"]
        # Merging reads two values and writes one, on one thread.
        merge_s = 24e-9 / peak[min(peak, key=int)]["read_gbs"]
        if pattern.name == "tree":  # two triangles: R of p x p
            p = sizes["p"]
            merge_s = 2 / 3 * p**3 / peak[min(peak, key=int)]["fma_float64_gflops"] * 1e-9 * 4
        if last["run"] not in used:
            used.add(last["run"])
            yield machines[last["run"]]
        for mode in modes:
            for count in nodes:
                rows = int(n * speed) * (count if mode == "weak" else STRONG_ROWS)
                if count < BASE[mode]:
                    continue
                compute = rows / count * row_s / speed + fixed_s
                if count == 1:
                    done = {"seconds": compute, "messages": 0, "bytes": 0}
                else:
                    numbers = {"rows": rows, "columns": sizes.get("p", 1), "values": pattern.values,
                               "header": pattern.header, "grain": pattern.grain, "solution": pattern.solution,
                               "row_s": row_s / speed, "merge_s": merge_s, "fixed_s": fixed_s}
                    done = simulate(pattern, count, **numbers)
                moved = pattern.passes * pattern.item * rows / count * (count - 1) / count
                made = record.checked({
                    "kind": "prediction", "run": last["run"], "case": case, "sizes": sizes, "dtype": dtype, "mode": mode,
                    "nodes": count, "rows": rows, "speed": speed, "seconds": done["seconds"], "compute_s": compute,
                    "messages": done["messages"] / count, "sent": done["bytes"] / count,
                    "least_messages": math.ceil(math.log2(count)),
                    "least_sent": moved or pattern.values * 8 * (count > 1)})  # fmt: skip
                say(line(made))
                yield made


def line(r):
    return (f"{r['case']:32} {r['mode']:6} {r['nodes']:5} nodes  {1e3 * r['seconds']:11.3f} ms, of it computing "
            f"{100 * r['compute_s'] / r['seconds']:5.1f} %; {r['messages']:.0f} messages and {choose.amount(r['sent'])} a node")


def efficiencies(records):
    """{(case, sizes, mode): [(nodes, efficiency, prediction)]}, relative to the fewest nodes of the mode."""
    groups = {}
    for r in records:
        if r["kind"] == "prediction":
            sizes = " ".join(f"{name}={record.number(value)}" for name, value in r["sizes"].items() if name != "n")
            groups.setdefault((r["case"], sizes, r["mode"]), {})[r["nodes"]] = r
    out = {}
    for key, found in groups.items():
        base = found[min(found)]
        for count, r in sorted(found.items()):
            share = base["seconds"] / r["seconds"] / (1 if key[2] == "weak" else count / base["nodes"])
            out.setdefault(key, []).append((count, share, r))
    return out
