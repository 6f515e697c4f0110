"""What a run writes: a line of JSON for the machine, then one for each contender of each case."""

import json
from statistics import median, quantiles

NUMBER = (int, float)
KINDS = {
    "machine": {
        "run": str, "date": str, "version": str, "suite": str, "host": str, "processor": str, "cores": int,
        "kernel": str, "memory_mb": int, "gpu": (str, type(None)), "energy": bool, "peaks": dict,
    },
    "time": {
        "run": str, "suite": str, "case": str, "call": str, "sizes": dict, "asked": dict,  # the table's sizes
        "dtype": str, "device": str,
        "contender": str, "version": str, "processes": int, "threads": int,
        "seconds": list, "cpu_s": NUMBER,  # of a step, of each turn; and of all cores, the median turn's
        "per": str, "flops": NUMBER, "bytes": NUMBER,  # that a step needs at least
        "floor_s": (*NUMBER, type(None)), "bound": (str, type(None)),
        "difference": (*NUMBER, type(None)), "agrees": (bool, type(None)),  # None: nothing was compared
        "stolen": NUMBER, "others": NUMBER,  # cores taken away, and cores at work on other things, on average
        "communicated": (int, type(None)),  # bytes sent and received by all processes, in a whole call
        "data_mb": NUMBER, "above_mb": NUMBER,  # operands; the most memory above what held them, all processes
        "energy_j": (*NUMBER, type(None)), "ran": (str, type(None)),
    },
    "prediction": {  # of a step, on a cluster that is not here
        "run": str, "case": str, "sizes": dict, "dtype": str,  # what was measured
        "mode": str, "nodes": int, "rows": int, "speed": NUMBER,  # all rows; a node's speed in this machine's
        "seconds": NUMBER, "compute_s": NUMBER,
        "messages": NUMBER, "sent": NUMBER, "least_messages": int, "least_sent": NUMBER,  # of a node, and the least
    },
    "absent": {"run": str, "case": (str, type(None)), "contender": str, "reason": str},
}  # fmt: skip


class RecordError(Exception):
    """A file of results that cannot be used; the text names file and line."""


def checked(record):
    """The record, if it has the fields of its kind and no others; ValueError says what is wrong."""
    if not isinstance(record, dict) or record.get("kind") not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    fields = KINDS[record["kind"]]
    for name, types in fields.items():
        if name not in record:
            raise ValueError(f"'{name}' is missing")
        if not isinstance(record[name], types):
            raise ValueError(f"'{name}' cannot be {record[name]!r}")
    for name in record:
        if name != "kind" and name not in fields:
            raise ValueError(f"there is no field '{name}'")
    if record["kind"] == "time" and not (record["seconds"] and all(isinstance(s, NUMBER) and s > 0
                                                                   for s in record["seconds"])):
        raise ValueError("'seconds' must be numbers > 0")
    return record


def read(files):
    """All records of the files. RecordError if one is none, or a run has no machine."""
    found = []
    for file in files:
        try:
            with open(file) as opened:
                lines = opened.read().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise RecordError(f"cannot read '{file}': {getattr(error, 'strerror', None) or error}") from None
        for number, line in enumerate(lines, 1):
            try:
                found.append(checked(json.loads(line)))
            except ValueError as error:
                raise RecordError(f"{file}:{number} is no result of tessera bench: {error}") from None
    runs = {r["run"] for r in found if r["kind"] == "machine"}
    for r in found:
        if r["run"] not in runs:
            raise RecordError(f"run '{r['run']}' has no line about its machine")
    if not found:
        raise RecordError(f"{', '.join(map(str, files))}: no results")
    return found


def middle(record):
    return median(record["seconds"])


def quartiles(record):
    """The quarter of the turns that were fastest ends at the first, the slowest begins at the second."""
    seconds = record["seconds"]
    if len(seconds) < 2:
        return seconds[0], seconds[0]
    low, _, high = quantiles(seconds, method="inclusive")
    return low, high


def spread(record):
    """Half the distance of the quartiles, relative to the median."""
    low, high = quartiles(record)
    return (high - low) / 2 / middle(record)


def title(record):
    """The case with its sizes: what is the same for all contenders."""
    sizes = " ".join(f"{name}={number(value)}" for name, value in record["sizes"].items())
    return f"{record['case']} ({sizes}, {record['dtype']})"


def number(value):
    """2e6 for 2000000, and numbers that are not round as they are."""
    if value >= 10_000 and value % 10_000 == 0:
        digits = f"{value:e}".partition("e")
        return f"{digits[0].rstrip('0').rstrip('.')}e{int(digits[2])}"
    return str(value)


def layout(record):
    return f"{record['processes']}x{record['threads']}"


def who(record):
    """The contender with what tells it from another of the same library."""
    device = "" if record["device"] == "cpu" else f" on {record['device']}"
    return f"{record['contender']}{device} {layout(record)}"
