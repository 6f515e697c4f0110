"""Which results a page or a table shows: of every case those of its last run, side by side."""

from . import peers, record


def times(records):
    return [r for r in records if r["kind"] == "time"]


def machines(records):
    """The machine of each run."""
    return {r["run"]: r for r in records if r["kind"] == "machine"}


def last(records):
    """{(title, layout, device, suite): times} of the last run that timed Tessera there.

    All of them took turns; a library on one process is beside every layout of as many cores.
    """
    dates = {run: (m["date"], run) for run, m in machines(records).items()}
    ours = {}
    for r in times(records):
        if r["contender"] == "tessera":
            key = (record.title(r), record.layout(r), r["device"], r["suite"])
            if key not in ours or dates[ours[key]["run"]] <= dates[r["run"]]:
                ours[key] = r
    found = {}
    for key, mine in ours.items():
        beside = {}
        for r in times(records):
            same = r["run"] == mine["run"] and record.title(r) == key[0] and r["contender"] != "tessera"
            mpi = r["contender"] in peers.PEERS and peers.PEERS[r["contender"]].mpi
            fits = record.layout(r) == key[1] if mpi else \
                r["processes"] * r["threads"] == mine["processes"] * mine["threads"]
            if same and fits:
                beside[r["contender"]] = r
        found[key] = (mine, beside)
    return found


def best_peer(beside):
    """The fastest of those that gave the reference's answer; None if there is none."""
    right = [r for r in beside.values() if r["agrees"] is not False]
    return min(right, key=record.middle, default=None)


def efficiencies(chosen):
    """{(case, asked sizes, device, suite): {(processes, threads): (time, efficiency)}} of scaling suites.

    Of P x T relative to 1 x T, of 1 x T to 1 x 1; None where that was not timed.
    """
    groups = {}
    for mine, _ in chosen.values():
        asked = " ".join(f"{name}={record.number(value)}" for name, value in mine["asked"].items())
        group = groups.setdefault((mine["case"], asked, mine["device"], mine["suite"]), {})
        group[mine["processes"], mine["threads"]] = mine
    out = {}
    for key, group in groups.items():
        for (processes, threads), r in sorted(group.items()):
            base = group.get((1, threads if processes > 1 else 1))
            share = None
            if base is not None:
                more = processes * threads / (base["processes"] * base["threads"])
                share = record.middle(base) / record.middle(r) / (1 if key[3] == "weak" else more)
            out.setdefault(key, {})[processes, threads] = (r, share)
    return out


def seconds(value):
    """A time with three digits and a unit."""
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if value * scale >= 1 or unit == "us":
            scaled = value * scale
            return f"{scaled:.{0 if scaled >= 100 else 1 if scaled >= 10 else 2}f} {unit}"


def amount(count):
    """Bytes with a unit."""
    unit, scale = next((u, s) for u, s in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1)) if count >= s or s == 1)
    return f"{count / scale:.3g} {unit}"


def loaded(records):
    """What to say of a run in which others used the machine; None if they hardly did."""
    found = times(records)
    worst = max((r["others"] for r in found), default=0)
    stolen = max((r["stolen"] for r in found), default=0)
    said = []
    if worst > 0.3:  # little is the comparing of answers
        said.append(f"other programs used up to {worst:.1f} cores meanwhile")
    if stolen > 0.02:
        said.append(f"up to {stolen:.2f} cores were taken away from the machine")
    return ", and ".join(said) or None
