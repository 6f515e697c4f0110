"""One page of all results, which opens without a network."""

from html import escape

from . import choose, plot, predict, record

STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1f2933; --faint: #64748b; --grid: #e2e8f0; --card: #f8fafc; --bad: #b91c1c; }
@media (prefers-color-scheme: dark) {
  :root { --back: #11161d; --text: #e5e9f0; --faint: #94a3b8; --grid: #2a3442; --card: #1a212b; --bad: #f87171; } }
body { background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 1080px; padding: 24px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 36px 0 8px; }
p { margin: 4px 0 12px; max-width: 80ch; } .faint { color: var(--faint); }
.cards { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); }
.card { background: var(--card); border-radius: 8px; padding: 12px 16px; } .card b { display: block; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { border-bottom: 1px solid var(--grid); padding: 5px 10px; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { color: var(--faint); font-weight: 600; }
.bad { color: var(--bad); } svg { display: block; height: auto; margin: 12px 0; max-width: 100%; }
.two { display: grid; gap: 4px 24px; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); }
svg text { fill: var(--text); font: 12px system-ui, sans-serif; } svg .title { font-size: 14px; font-weight: 600; }
svg .tick, svg .label { fill: var(--faint); } .grid { stroke: var(--grid); stroke-width: 1; }
.line { fill: none; stroke-width: 2; } .guide { fill: none; stroke-dasharray: 5 4; stroke-width: 1.5; }
.even { stroke: var(--faint); stroke-dasharray: 5 4; stroke-width: 1.5; }
.key { display: inline-block; margin-right: 16px; } .key i { border-radius: 5px; display: inline-block; height: 10px;
  margin-right: 6px; width: 10px; }
"""
GREY = "#94a3b8"


class Colors:
    """The same colour for the same name on all of the page; Tessera's is the first."""

    def __init__(self, names=("tessera",)):
        self.names = list(names)

    def of(self, name):
        if name not in self.names:
            self.names.append(name)
        return plot.COLORS[self.names.index(name) % len(plot.COLORS)]

    def key(self, names):
        return "".join(f'<span class="key"><i style="background:{self.of(n)}"></i>{escape(n)}</span>' for n in names)


def _card(records, m):
    cores = max(m["peaks"], key=int)
    peak = m["peaks"][cores]
    text = (f"<b>{escape(m['date'])}, suite {escape(m['suite'])}</b>Tessera {escape(m['version'])}, {escape(m['host'])}: "
            f"{escape(m['processor'])}, {m['cores']} cores, {m['memory_mb'] / 1024:.0f} GiB"
            + (f", {escape(m['gpu'])}" if m["gpu"] else "")
            + f"<br>On {cores} cores: float32 {peak['fma_float32_gflops']:.0f} GFLOP/s, float64 "
            f"{peak['fma_float64_gflops']:.0f}; memory {peak['read_gbs']:.1f} GB/s read, {peak['write_gbs']:.1f} written")
    for p in m["peaks"].values():
        if "file_read_gbs" in p:
            text += (f"; a file {p['file_write_gbs']:.2f} GB/s written, {p['file_read_gbs']:.2f} read, "
                     f"{p['cached_read_gbs']:.1f} from the cache")
    disturbed = choose.loaded([r for r in records if r["run"] == m["run"]])
    if disturbed:
        text += f'<br><span class="bad">Not a quiet machine: {escape(disturbed)}.</span>'
    if not m["energy"]:
        text += "<br>Energy cannot be read here."
    return f'<div class="card">{text}</div>'


def _machines(records, chosen):
    """Those that the page's times are of; earlier ones are in its history."""
    runs = {mine["run"] for mine, _ in chosen.values()}
    cards = [_card(records, m) for run, m in choose.machines(records).items() if run in runs]
    return f'<div class="cards">{"".join(cards)}</div>'


def _time(r):
    shown = choose.seconds(record.middle(r))
    return f'<span class="bad" title="not the answer of the reference">{shown}</span>' if r["agrees"] is False else shown


def _times_table(chosen):
    names = list(dict.fromkeys(name for _, beside in chosen.values() for name in beside))
    head = ["case", "p x t", "Tessera", "spread", "floor", "of the floor", "faster", "sent", "above data", *names]
    out = [f'<div class="wide"><table><tr>{"".join(f"<th>{escape(h)}</th>" for h in head)}</tr>']
    for (title, layout, device, _), (mine, beside) in chosen.items():
        cells = [escape(title), layout if device == "cpu" else f"{layout} {escape(device)}"]
        best = choose.best_peer(beside)
        cells += [_time(mine), f"{100 * record.spread(mine):.0f} %"]
        cells += ["", ""] if mine["floor_s"] is None else [
            choose.seconds(mine["floor_s"]), f"{record.middle(mine) / mine['floor_s']:.2f}x"]
        cells.append("" if best is None else f"{record.middle(best) / record.middle(mine):.2f}x")
        cells.append("" if not mine["communicated"] else choose.amount(mine["communicated"]))
        cells.append(f"{mine['above_mb']:.0f} MB")
        cells += [_time(beside[name]) if name in beside else "" for name in names]
        out.append("<tr>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>")
    return "\n".join([*out, "</table></div>"])


def _roofline(records, chosen, colors):
    """What was reached, under what the machine can do."""
    counted = [mine for mine, _ in chosen.values() if mine["flops"] and mine["bytes"] and mine["device"] == "cpu"]
    if not counted:
        return ""
    # One run has one roof: the run of the most times.
    where = [(mine["run"], mine["processes"] * mine["threads"]) for mine in counted]
    run, cores = max(dict.fromkeys(where), key=where.count)
    peak = choose.machines(records)[run]["peaks"][str(cores)]
    points = [mine for mine, at in zip(counted, where) if at == (run, cores)]
    chart = plot.Plot(f"What was reached on {cores} cores, under the machine's roof", "operations per byte that must move",
                      "GFLOP/s", 980, 440, log_x=True, log_y=True)
    intensities = [r["flops"] / r["bytes"] for r in points]
    low, high = min(intensities) / 2, max(intensities) * 2
    for dtype, color in (("float32", GREY), ("float64", "#475569")):
        if any(r["dtype"] == dtype for r in points):
            top = peak[f"fma_{dtype}_gflops"]
            knee = top / peak["read_gbs"]
            bends = sorted({low, high, *([knee] if low < knee < high else [])})
            chart.add(f"roof, {dtype}", [(x, min(top, x * peak["read_gbs"])) for x in bends], color, "guide", False)
    for room in dict.fromkeys(r["call"].partition(".")[0] for r in points):
        mine = [r for r in points if r["call"].partition(".")[0] == room]
        chart.add(room, [(r["flops"] / r["bytes"], r["flops"] / record.middle(r) / 1e9) for r in mine], colors.of(room),
                  "points", tips=[f"{record.title(r)}: {r['flops'] / record.middle(r) / 1e9:.0f} GFLOP/s" for r in mine])
    return chart.svg()


def _ratios(chosen, colors):
    named = []
    for (title, layout, device, _), (mine, beside) in chosen.items():
        marks = [(record.middle(r) / record.middle(mine), colors.of(name),
                  f"{name} {choose.seconds(record.middle(r))}, Tessera {choose.seconds(record.middle(mine))}")
                 for name, r in beside.items() if r["agrees"] is not False]
        if marks:
            named.append((f"{title} {layout}" + (f" {device}" if device != "cpu" else ""), marks))
    if not named:
        return ""
    names = dict.fromkeys(name for _, beside in chosen.values() for name in beside)
    return f"<p>{colors.key(names)}</p>" + plot.rows(
        "Tessera is so many times as fast", "time of the other / time of Tessera", named, line=1)


def _over_sizes(chosen, colors):
    out = []
    for case in dict.fromkeys(mine["case"] for mine, _ in chosen.values()):
        pairs = [pair for pair in chosen.values() if pair[0]["case"] == case and pair[0]["suite"] not in ("strong", "weak")]
        if len({p[0]["data_mb"] for p in pairs}) < 2:
            continue
        chart = plot.Plot(case, "MB of operands", "times as fast", 520, 280, log_x=True, log_y=True)
        for name in dict.fromkeys(name for _, beside in pairs for name in beside):
            chart.add(name, sorted((mine["data_mb"], record.middle(beside[name]) / record.middle(mine))
                                   for mine, beside in pairs if name in beside and beside[name]["agrees"] is not False),
                      colors.of(name))
        out.append(chart.svg())
    return f'<div class="two">{"".join(out)}</div>' if out else ""


def _scaling(chosen, suite, colors):
    """Efficiency over cores: processes of so many threads, and threads of one process."""
    groups = {key: group for key, group in choose.efficiencies(chosen).items() if key[3] == suite}
    cores = sorted({p * t for group in groups.values() for p, t in group})
    chart = plot.Plot(f"{suite.capitalize()} scaling", "cores", "efficiency", 980, 360, log_x=True, y_low=0,
                      x_ticks=[(c, c) for c in cores])
    chart.add("ideal", [(c, 1) for c in cores], GREY, "guide", False)
    for (case, *_), group in groups.items():
        shares = {layout: share for layout, (_, share) in group.items() if share is not None}
        lines = {"threads": sorted((t, share) for (p, t), share in shares.items() if p == 1)}
        for threads in sorted({t for _, t in shares}):
            name = "processes" if threads == 1 else f"processes of {threads} threads"
            lines[name] = sorted((p * t, share if p > 1 else 1.0) for (p, t), share in shares.items() if t == threads)
        for name, points in lines.items():
            if len(points) > 1:
                chart.add(f"{case}, {name}", points, colors.of(case), "guide" if name == "threads" else "line")
    return chart.svg() if len(chart.series) > 1 else ""


def _predicted(records, colors):
    """Efficiency on clusters that were simulated, beside a published curve; and what nodes send."""
    found = predict.efficiencies(records)
    out = []
    for mode in dict.fromkeys(key[2] for key in found):
        mine = {key: points for key, points in found.items() if key[2] == mode}
        nodes = sorted({n for points in mine.values() for n, _, _ in points})
        chart = plot.Plot(f"{mode.capitalize()} scaling, predicted", "nodes", "efficiency", 980, 360, log_x=True, y_low=0,
                          x_ticks=[(n, n) for n in nodes])
        chart.add("ideal", [(n, 1) for n in nodes], GREY, "guide", False)
        name, points = predict.PUBLISHED[mode]
        chart.add(name, points, GREY, "guide")
        for (case, sizes, _), points in mine.items():
            name = f"{case}, {sizes}" if sizes else case
            chart.add(name, [(n, share) for n, share, _ in points], colors.of(name),
                      tips=[f"{n} nodes: {choose.seconds(r['seconds'])}, {100 * share:.1f} %" for n, share, r in points])
        out.append(chart.svg())
    if not out:
        return ""
    head = ["case", "mode", "nodes", "step", "computing", "efficiency", "messages", "at least", "sent", "at least"]
    rows = [[escape(f"{case}, {sizes}" if sizes else case), mode, n, choose.seconds(r["seconds"]),
             choose.seconds(r["compute_s"]), f"{100 * share:.1f} %", f"{r['messages']:.0f}", r["least_messages"],
             choose.amount(r["sent"]), choose.amount(r["least_sent"])]
            for (case, sizes, mode), points in found.items() for n, share, r in points]  # fmt: skip
    table = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    titles = "".join(f"<th>{title}</th>" for title in head)
    return ("<p>Simulated, not measured: docs/benchmarks.md says what is assumed. Messages and bytes are a node's, of a step."
            f'</p>{"".join(out)}<div class="wide"><table><tr>{titles}</tr>\n{table}</table></div>')


def _history(records, colors):
    machines, by_case = choose.machines(records), {}
    for r in choose.times(records):
        if r["contender"] == "tessera":
            by_case.setdefault((record.title(r), record.layout(r), r["device"]), {})[r["run"]] = r
    out = []
    for (title, layout, _), runs in by_case.items():
        if len(runs) < 2:
            continue
        ordered = sorted(runs.values(), key=lambda r: (machines[r["run"]]["date"], r["run"]))
        chart = plot.Plot(f"{title} {layout}", "run", "ms", 520, 240, y_low=0,
                          x_ticks=[(i, machines[r["run"]]["date"][:10] if i in (0, len(ordered) - 1) else "")
                                   for i, r in enumerate(ordered)])
        chart.add("", [(i, 1e3 * record.middle(r)) for i, r in enumerate(ordered)], colors.of("tessera"),
                  tips=[f"{machines[r['run']]['date']}, {machines[r['run']]['version']}: {choose.seconds(record.middle(r))}"
                        for r in ordered])
        out.append(chart.svg())
    return f'<details><summary>{len(out)} cases</summary><div class="two">{"".join(out)}</div></details>' if out else ""


def _absent(records):
    lines = dict.fromkeys((r["contender"], r["case"], r["reason"]) for r in records if r["kind"] == "absent")
    items = "".join(f"<li>{escape(who)}{f', {escape(case)}' if case else ''}: {escape(why)}</li>" for who, case, why in lines)
    return f"<ul>{items}</ul>" if items else ""


def page(records):
    """The page, from records as record.read gives them."""
    chosen, colors = choose.last(records), Colors()
    scaling = {key: pair for key, pair in chosen.items() if pair[0]["suite"] in ("strong", "weak")}
    plain = {key: pair for key, pair in chosen.items() if key not in scaling}
    shown = plain or chosen
    parts = [
        ("Runs", _machines(records, chosen)),
        ("Beside others", _ratios(shown, colors)),
        ("Over sizes", _over_sizes(shown, colors)),
        ("Roofline", _roofline(records, chosen, Colors(()))),
        ("Scaling", _scaling(scaling, "strong", Colors(())) + _scaling(scaling, "weak", Colors(()))),
        ("On a cluster", _predicted(records, Colors(()))),
        ("History", _history(records, colors)),
        ("All times", _times_table(chosen) if chosen else ""),
        ("Who did not take part", _absent(records)),
    ]
    body = "\n".join(f"<h2>{title}</h2>\n{content}" for title, content in parts if content)
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Tessera, benchmarks</title>'
            f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n<body>'
            "<h1>Tessera beside others</h1>\n<p class=\"faint\">Medians of contenders that held the same data and took turns, of "
            "the last run of every case. The floor is the least time that the arithmetic at the measured peak, or reading and "
            "writing at the measured bandwidth, leaves. Times in red are of answers that are not the reference's, and count "
            f"nowhere.</p>\n{body}\n</body></html>\n")
