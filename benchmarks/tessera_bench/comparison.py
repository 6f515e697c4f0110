"""What got slower between two files of results."""

from . import record


def _times(records):
    """The last time of each contender of each case."""
    found = {}
    for r in records:
        if r["kind"] == "time":
            found[record.title(r), record.who(r)] = r
    return found


def _machines(records):
    return {(r["processor"], r["cores"]) for r in records if r["kind"] == "machine"}


def compare(before, after, tolerance):
    """Lines that say what changed, and whether Tessera is slower somewhere.

    Slower is whose median is by more than `tolerance` and whose quartiles lie apart; so what is noisy
    has to change by more. Libraries that did not change show what the machine did.
    """
    old, new = _times(before), _times(after)
    both = [key for key in new if key in old]
    lines, slower = [], False
    if _machines(before) != _machines(after):
        lines.append("The machines differ: " + " and ".join(
            ", ".join(f"{processor} with {cores} cores" for processor, cores in sorted(_machines(r)))
            for r in (before, after)))  # fmt: skip
    for key in both:
        a, b = old[key], new[key]
        ratio = record.middle(b) / record.middle(a)
        (a_low, a_high), (b_low, b_high) = record.quartiles(a), record.quartiles(b)
        word = ""
        if ratio > 1 + tolerance and b_low > a_high:
            word = "SLOWER"
            slower |= b["contender"] == "tessera"
        elif ratio < 1 / (1 + tolerance) and b_high < a_low:
            word = "faster"
        if word:
            lines.append(f"{word}: {key[0]}, {key[1]}: {1e3 * record.middle(a):.3f} ms before, "
                         f"{1e3 * record.middle(b):.3f} ms now, {ratio:.2f} x "
                         f"(spread {100 * record.spread(a):.1f} and {100 * record.spread(b):.1f} %)")
        if a["agrees"] and b["agrees"] is False and b["contender"] == "tessera":
            lines.append(f"WRONG: {key[0]}, {key[1]} no longer agrees with the reference")
            slower = True
    for r in old.keys() - new.keys():
        lines.append(f"not timed any more: {r[0]}, {r[1]}")
    lines.append(f"{len(both)} times compared" + ("" if slower else "; Tessera is not slower beyond the noise"))
    return lines, slower
