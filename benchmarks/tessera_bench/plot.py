"""Plots as SVG text, for pages that need nothing else."""

import html
import math

COLORS = ("#2563eb", "#ea580c", "#16a34a", "#9333ea", "#dc2626", "#0891b2", "#a16207", "#db2777", "#64748b",
          "#4d7c0f", "#7dd3fc", "#f0abfc")


def text(x, y, what, anchor="middle", css="", turn=None):
    rotate = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn is not None else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}"{rotate}>'
            f"{html.escape(str(what))}</text>")


def short(value):
    """A number for an axis."""
    if value != 0 and (abs(value) >= 1e5 or abs(value) < 1e-3):
        digits, _, power = f"{value:.0e}".partition("e")
        return f"{digits}e{int(power)}"
    return f"{value:g}"


class Axis:
    """Numbers on a length of pixels, by their logarithms or as they are."""

    def __init__(self, values, begin, end, log=False, low=None):
        values = [v for v in values if not log or v > 0] or [1]
        high = max(values)
        if low is None:
            low = min(values)
        elif not log:
            high += 0.08 * (high - low)
        if log:
            low, high = math.log10(low), math.log10(high)
            room = max(0.06 * (high - low), 0.1)
            low, high = low - room, high + room
        elif low == high:
            low, high = low - 0.5, high + 0.5
        self.low, self.high, self.begin, self.end, self.log = low, high, begin, end, log

    def at(self, value):
        where = math.log10(value) if self.log else value
        return self.begin + (where - self.low) / (self.high - self.low) * (self.end - self.begin)

    def ticks(self):
        if self.log:
            steps = (1, 2, 5) if self.high - self.low < 2.2 else (1,)
            found = [s * 10.0**e for e in range(math.floor(self.low), math.ceil(self.high) + 1) for s in steps]
            found = [t for t in found if self.low <= math.log10(t) <= self.high]
            return found[:: max(1, len(found) // 8)]
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / 2))
        step = next(step * s for s in (1, 2, 5, 10) if (self.high - self.low) / (step * s) <= 6)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, int(self.high / step + 1e-9) + 1)]


class Plot:
    """Lines and points over two axes, with a legend on the right."""

    def __init__(self, title, x_label, y_label, width=760, height=380, log_x=False, log_y=False, y_low=None,
                 x_ticks=None):
        self.title, self.x_label, self.y_label = title, x_label, y_label
        self.width, self.height, self.log_x, self.log_y = width, height, log_x, log_y
        self.y_low, self.x_ticks = y_low, x_ticks
        self.series = []

    def add(self, name, points, color, css="line", marks=True, tips=None):
        """A line through points (x, y); css 'guide' for what is no measurement, 'points' without a line."""
        if points:
            self.series.append((name, points, color, css, marks, tips))

    def svg(self):
        # In the legend names that differ by colour or kind of line only.
        legend = list(dict.fromkeys((name, color, css) for name, _, color, css, _, _ in self.series if name))
        self.height = max(self.height, 64 + 18 * len(legend))
        right = 40 + (max((len(name) for name, _, _ in legend), default=0) * 6.6 + 4 if legend else 0)
        left, top, bottom = 64, 34, self.height - 44
        xs = [x for s in self.series for x, _ in s[1]]
        ys = [y for s in self.series for _, y in s[1]]
        x_axis = Axis(xs, left, self.width - right, self.log_x)
        y_axis = Axis(ys, bottom, top, self.log_y, self.y_low)
        out = [f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{html.escape(self.title)}">',
               text(left, 18, self.title, "start", "title")]
        for tick in y_axis.ticks():
            y = y_axis.at(tick)
            out.append(f'<line class="grid" x1="{left}" x2="{self.width - right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
            out.append(text(left - 6, y + 4, short(tick), "end", "tick"))
        for tick in self.x_ticks or [(t, short(t)) for t in x_axis.ticks()]:
            x = x_axis.at(tick[0])
            out.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>')
            out.append(text(x, bottom + 16, tick[1], "middle", "tick"))
        out.append(text((left + self.width - right) / 2, self.height - 8, self.x_label, "middle", "label"))
        out.append(text(14, (top + bottom) / 2, self.y_label, "middle", "label", -90))
        for _, points, color, css, marks, tips in self.series:
            placed = [(x_axis.at(x), y_axis.at(y)) for x, y in points]
            if css != "points":
                path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
                out.append(f'<polyline class="{css}" points="{path}" stroke="{color}"/>')
            for i, (x, y) in enumerate(placed if marks else []):
                tip = html.escape(tips[i] if tips else f"{short(points[i][0])}, {short(points[i][1])}")
                out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"><title>{tip}</title></circle>')
        for i, (name, color, css) in enumerate(legend):
            y = top + 10 + 18 * i
            x = self.width - right + 14
            if css == "points":
                out.append(f'<circle cx="{x + 7:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>')
            else:
                out.append(f'<polyline class="{css}" points="{x:.1f},{y} {x + 14:.1f},{y}" stroke="{color}"/>')
            out.append(text(x + 20, y + 4, name, "start", "tick"))
        return "\n".join([*out, "</svg>"])


def rows(title, label, named, width=980, line=None):
    """A row for each name with marks on a logarithmic axis: named is [(name, [(value, color, tip)])]."""
    values = [value for _, marks in named for value, _, _ in marks] + ([line] if line else [])
    left = min(540, 16 + 6.6 * max((len(name) for name, _ in named), default=0))
    top, height = 34, 34 + 22 * len(named) + 44
    axis = Axis(values, left, width - 24, log=True)
    out = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(title)}">',
           text(8, 18, title, "start", "title")]
    bottom = top + 22 * len(named)
    for tick in axis.ticks():
        x = axis.at(tick)
        out.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>')
        out.append(text(x, bottom + 16, short(tick), "middle", "tick"))
    if line:
        x = axis.at(line)
        out.append(f'<line class="even" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>')
    for i, (name, marks) in enumerate(named):
        y = top + 22 * i + 11
        out.append(text(left - 10, y + 4, name, "end", "tick"))
        out.append(f'<line class="grid" x1="{left:.1f}" x2="{width - 24}" y1="{y}" y2="{y}"/>')
        for value, color, tip in marks:
            out.append(f'<circle cx="{axis.at(value):.1f}" cy="{y}" r="5" fill="{color}">'
                       f"<title>{html.escape(tip)}</title></circle>")
    out.append(text((left + width - 24) / 2, height - 8, label, "middle", "label"))
    return "\n".join([*out, "</svg>"])
