"""The command line of `tessera bench`."""

import argparse
import json
import os
import re
import signal
import sys

from . import machine, peers, record, table

USAGE = """tessera bench [--suite SUITE] [--peers PEER,...] [--json FILE]   time, and append the results to FILE
       tessera bench report FILE... [--html FILE] [--markdown FILE ...] [--check]
       tessera bench compare BEFORE AFTER [--tolerance PERCENT]
       tessera bench predict FILE... [--nodes N,...] [--json FILE]      on a cluster, by simulation"""


def _names(text):
    return [name for name in text.split(",") if name]


def _layouts(text):
    found = []
    for word in _names(text):
        match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", word)
        if not match:
            raise argparse.ArgumentTypeError(f"PROCESSESxTHREADS is meant, such as 2x4, got '{word}'")
        found.append((int(match[1]), int(match[2])))
    return found


def _peers(text):
    if text == "none":
        return []
    names = list(peers.PEERS) if text == "all" else _names(text)
    for name in names:
        if name not in peers.PEERS:
            raise argparse.ArgumentTypeError(f"there is no '{name}'; there are {', '.join(peers.PEERS)}, all and none")
    return names


def _scaling_layouts(cores):
    """1, 2, 4 ... processes, and as many threads, up to the cores."""
    counts = [2**i for i in range(cores.bit_length()) if 2**i <= cores]
    return list(dict.fromkeys([(n, 1) for n in counts] + [(1, n) for n in counts]))


def parser():
    words = argparse.ArgumentParser(prog="tessera bench", usage=USAGE, allow_abbrev=False,
                                    description=f"Suites: {', '.join(table.suites())}, or a file like cases.toml.")
    words.add_argument("--suite", default="quick", help="which cases, at which sizes [quick]")
    words.add_argument("--only", nargs="+", default=[], metavar="WORD", help="cases with one of the words in their names")
    words.add_argument("--peers", type=_peers, default=list(peers.DEFAULT), metavar="PEER,...",
                       help=f"who takes turns with Tessera: {', '.join(peers.PEERS)}; all or none "
                       f"[{','.join(peers.DEFAULT)}]")
    words.add_argument("--layouts", type=_layouts, metavar="PxT,...",
                       help="processes x threads [1xCORES; for strong and weak all powers of 2]")
    words.add_argument("--devices", type=_names, default=["cpu"], metavar="DEVICE,...", help="cpu, cuda [cpu]")
    words.add_argument("--repeat", type=int, default=5, metavar="N", help="turns of each, at least [5]")
    words.add_argument("--timeout", type=float, default=600, metavar="SECONDS", help="for one turn [600]")
    words.add_argument("--json", metavar="FILE", help="append the results there, one a line")
    words.add_argument("--work", metavar="FOLDER", help="for the data; all processes must see it [TMPDIR]")
    return words


def time_cases(words):
    options = parser().parse_args(words)
    if options.repeat < 1:
        raise table.SuiteError(f"--repeat must be at least 1, got {options.repeat}")
    if options.layouts is None:
        cores = machine.cores()
        options.layouts = _scaling_layouts(cores) if options.suite in table.SCALING else [(1, cores)]
    if int(os.environ.get("OMPI_COMM_WORLD_SIZE", "1")) > 1:
        raise table.SuiteError("start it without mpirun: it starts the processes itself (--layouts)")
    from . import run

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a batch system's; contenders are ended then, too
    run.run(options, lambda text: print(text, flush=True))
    return 0


def report(words):
    parse = argparse.ArgumentParser(prog="tessera bench report", description="Pages and tables of results.")
    parse.add_argument("files", nargs="+", metavar="FILE")
    parse.add_argument("--html", metavar="FILE", help="write a page with plots there [bench.html unless --markdown]")
    parse.add_argument("--markdown", nargs="+", default=[], metavar="FILE",
                       help="write the tables between the marks <!-- bench ... --> of these files anew")
    parse.add_argument("--check", action="store_true", help="write nothing; status 1 if a file would change")
    options = parse.parse_args(words)
    from . import html, markdown

    found = record.read(options.files)
    changed = [file for file in options.markdown if markdown.update(file, found, write=not options.check)]
    if options.check:
        for file in changed:
            print(f"{file} is not what the results say")
        return 1 if changed else 0
    if options.html or not options.markdown:
        name = options.html or "bench.html"
        with open(name, "w") as out:
            out.write(html.page(found))
        print(f"{name} has {sum(r['kind'] == 'time' for r in found)} times")
    return 0


def compare(words):
    parse = argparse.ArgumentParser(prog="tessera bench compare", description="What got slower beyond the noise.")
    parse.add_argument("before")
    parse.add_argument("after")
    parse.add_argument("--tolerance", type=float, default=5, metavar="PERCENT",
                       help="of the median that do not count [5]")
    options = parse.parse_args(words)
    from . import comparison

    lines, slower = comparison.compare(record.read([options.before]), record.read([options.after]),
                                       options.tolerance / 100)
    print("\n".join(lines))
    return 1 if slower else 0


def _counts(text):
    found = _names(text)
    for word in found:
        if not re.fullmatch(r"[1-9]\d*", word):
            raise argparse.ArgumentTypeError(f"a number of nodes is meant, got '{word}'")
    return sorted({int(word) for word in found})


def predict(words):
    parse = argparse.ArgumentParser(
        prog="tessera bench predict", description="Times of one process in results, on clusters that SimGrid simulates.")
    parse.add_argument("files", nargs="+", metavar="FILE", help="results with the suites strong and weak")
    parse.add_argument("--nodes", type=_counts, default=[1, 16, 64, 256, 1024], metavar="N,...",
                       help="how many; up to 16, or 16 times such a number [1,16,64,256,1024]")
    parse.add_argument("--modes", type=_names, default=["weak", "strong"], metavar="MODE,...", help="[weak,strong]")
    parse.add_argument("--only", nargs="+", default=[], metavar="WORD", help="cases with one of the words in their names")
    parse.add_argument("--speed", type=float, default=1, metavar="X",
                       help="a node is X times as fast as this machine, and has X times the rows [1]")
    parse.add_argument("--json", metavar="FILE", help="append the predictions there, one a line")
    options = parse.parse_args(words)
    for mode in options.modes:
        if mode not in ("weak", "strong"):
            raise table.SuiteError(f"--modes must be weak or strong, got '{mode}'")
    if not options.speed > 0:
        raise table.SuiteError(f"--speed must be above 0, got {options.speed:g}")
    from . import predict as predicting

    predicting.programs()
    found = record.read(options.files)
    with open(options.json or os.devnull, "a") as out:
        for made in predicting.predictions(found, options.nodes, options.modes, options.only, options.speed,
                                           lambda text: print(text, flush=True)):
            out.write(json.dumps(made) + "\n")
            out.flush()
    return 0


def main(words):
    commands = {"report": report, "compare": compare, "predict": predict}
    try:
        if words and words[0] in commands:
            return commands[words[0]](words[1:])
        return time_cases(words)
    except (table.SuiteError, record.RecordError, RuntimeError, OSError) as error:
        print(f"tessera bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
