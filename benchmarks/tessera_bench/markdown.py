"""Tables in Markdown files: all figures between two marks come from results.

    <!-- bench times suite=full only=KMeans,PCA -->      cases with one of the words in their titles
    <!-- bench times suite=full call=linalg,fft -->      cases whose calls begin with one of the words
    <!-- bench scaling suite=strong -->
    <!-- bench layouts suite=full -->                   the same cores as threads and as processes
    <!-- bench machine suite=full -->

each followed by what is written anew and <!-- end bench -->.
"""

import re

from . import choose, predict, record

MARK = re.compile(r"(<!-- bench (.*?) -->\n)(.*?)(<!-- end bench -->)", re.DOTALL)


def _table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def _chosen(records, options):
    def wanted(r):
        only = options.get("only", "").replace("_", " ").lower().split(",")
        if not r["call"].startswith(tuple(options.get("call", "").split(","))):
            return False
        return (options.get("suite", r["suite"]) == r["suite"] and any(word in record.title(r).lower() for word in only)
                and options.get("layout", record.layout(r)) == record.layout(r))

    return {key: pair for key, pair in choose.last(records).items() if wanted(pair[0])}


def times(records, options):
    chosen = _chosen(records, options)
    names = list(dict.fromkeys(name for _, beside in chosen.values() for name in beside))
    if "peers" in options:
        names = [name for name in options["peers"].split(",") if name in names]
    layouts = len({key[1] for key in chosen}) > 1
    rows = []
    for (title, layout, *_), (mine, beside) in chosen.items():
        row = [title + (f", {layout}" if layouts else "")]
        shown = {name: beside[name] for name in names if name in beside}
        for name in names:
            r = shown.get(name)
            row.append("" if r is None else choose.seconds(record.middle(r)) + (" (differs)" if r["agrees"] is False else ""))
        row.append(choose.seconds(record.middle(mine)) + (" (differs)" if mine["agrees"] is False else ""))
        floor = mine["floor_s"]
        row += ["", ""] if floor is None else [choose.seconds(floor), f"{record.middle(mine) / floor:.1f}x"]
        best = choose.best_peer(shown)
        row.append("" if best is None else f"{record.middle(best) / record.middle(mine):.1f}x")
        rows.append(row)
    return _table(["case", *names, "Tessera", "floor", "of the floor", "faster"], rows)


def scaling(records, options):
    groups = choose.efficiencies(_chosen(records, options))
    layouts = sorted({layout for group in groups.values() for layout in group})
    rows = []
    for (case, asked, *_), group in groups.items():
        row = [f"{case} ({asked})"]
        for layout in layouts:
            r, share = group.get(layout, (None, None))
            cell = "" if r is None else choose.seconds(record.middle(r))
            row.append(cell + (f" ({100 * share:.0f} %)" if share is not None and layout != (1, 1) else ""))
        rows.append(row)
    return _table(["case", *(f"{p}x{t}" for p, t in layouts)], rows)


def layouts(records, options):
    groups = choose.efficiencies(_chosen(records, options))
    shown = sorted({layout for group in groups.values() for layout in group})
    rows = []
    for (case, asked, *_), group in groups.items():
        if len(group) == len(shown):
            times = [record.middle(group[layout][0]) for layout in shown]
            rows.append([f"{case} ({asked})", *map(choose.seconds, times), f"{max(times) / min(times):.2f}"])
    return _table(["case", *(f"{p}x{t}" for p, t in shown), "slowest / fastest"], rows)


def machine(records, options):
    chosen = _chosen(records, options)
    runs = dict.fromkeys(mine["run"] for mine, _ in chosen.values())
    lines = []
    for run in runs:
        m = choose.machines(records)[run]
        cores = max(m["peaks"], key=int)
        peak = m["peaks"][cores]
        text = (f"{m['date'].partition(' ')[0]}, Tessera {m['version']}, {m['processor']}, {cores} cores: "
                f"{peak['fma_float32_gflops']:.0f} GFLOP/s in float32, {peak['fma_float64_gflops']:.0f} in float64, memory "
                f"read at {peak['read_gbs']:.1f} GB/s and written at {peak['write_gbs']:.1f}.")
        disturbed = choose.loaded([r for r in records if r["run"] == run])
        if disturbed:
            text += f" Not a quiet machine: {disturbed}."
        lines.append(text)
    return "\n".join(lines) + "\n"


def predicted(records, options):
    found = {key: points for key, points in predict.efficiencies(records).items() if key[2] == options.get("mode", key[2])}
    nodes = sorted({n for points in found.values() for n, _, _ in points})
    rows = []
    for (case, sizes, mode), points in found.items():
        shares = {n: f"{100 * share:.1f} %" for n, share, _ in points}
        last = points[-1][2]
        rows.append([f"{case} ({sizes})" if sizes else case, mode, *(shares.get(n, "") for n in nodes),
                     f"{last['messages']:.0f} ({last['least_messages']})",
                     f"{choose.amount(last['sent'])} ({choose.amount(last['least_sent'])})"])
    return _table(["case", "scaling", *map(str, nodes), "messages of a node", "sent by a node"], rows)


TABLES = {"times": times, "scaling": scaling, "layouts": layouts, "machine": machine, "predicted": predicted}


def update(file, records, write):
    """Writes what stands between the marks anew; whether that changes the file. RecordError without marks."""
    with open(file) as opened:
        text = opened.read()

    def made(match):
        kind, *words = match[2].split()
        if kind not in TABLES:
            raise record.RecordError(f"{file}: there is no table '{kind}'; there are {', '.join(TABLES)}")
        options = dict(word.split("=", 1) for word in words if "=" in word)
        return match[1] + TABLES[kind](records, options) + match[4]

    new, count = MARK.subn(made, text)
    if not count:
        raise record.RecordError(f"{file} has no marks <!-- bench TABLE -->, <!-- end bench -->")
    if write and new != text:
        with open(file, "w") as opened:
            opened.write(new)
    return new != text
