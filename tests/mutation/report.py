"""What a run says while it goes on and at its end, and the page that is kept in the repository."""

import json
import os
import re
import statistics
import sys
from collections import Counter

from suites import LONGEST, MEMORY, PATIENCE

RESULTS = "tests/mutation/results.md"
CHANGED = " with changes"  # behind the name of a commit: the checkout differs from it
FORMAT = {"format": "gradbook.mutation", "version": 1}
# What a file that --json wrote has besides, and of what type.
FIELDS = {"date": str, "commit": str, "seed": int, "count": int, "shard": list, "jobs": int, "complete": bool,
          "uncompiled": int, "without": int, "mutants": list, "seconds": int}
FIELDS_OF_A_MUTANT = {"id", "name", "file", "line", "kind", "original", "mutated", "verdict", "by", "how",
                      "seconds"}
# What only some have: older files lack what was added since.
OPTIONAL = {"sample": (int, type(None)), "only": (list, type(None)), "again": list, "shards": int}

# The ways in which mutants are killed, by the first pattern that `how` begins with. "program 7: ..." is the
# fuzz; a child of it that was killed or ran out of processor time (signals 9 and 24) met a limit.
WAYS = (
    ("a time limit", r"time limit|program \d+: (did not end|ended by signal (9|24)\b)"),
    ("a crash or abort", r"SIG[A-Z0-9]+( in |$)|program \d+: (ended by signal|exited with)"),
    ("a disagreement with LibTorch in the fuzz", r"program \d+: "),
    ("an exit status that says no more", r"exit \d"),
    ("a failed test", r""),
)
SETTING = f"""\
The mutants run in a harsher setting than `tests/run`: the engine is compiled unoptimised (`-O0`) and with \
`_GLIBCXX_ASSERTIONS`, so that an index out of range is an abort; memory is filled with rubbish before and \
after use (`MALLOC_PERTURB_`); and a suite may have {MEMORY >> 20} GiB of data, three times the processor \
time that it takes with the sound engine and 3 s more, though never over {LONGEST} s, a second time twice \
as much before that counts, and {PATIENCE} s by the clock. What was noticed here may go unnoticed there, \
crashes and time limits above all; so they are counted apart.
"""


class Progress:
    """One line for each mutant."""

    def __init__(self, total, stream=sys.stdout):
        self.total = total
        self.done = 0
        self.stream = stream
        self.colour = stream.isatty() and "NO_COLOR" not in os.environ

    def __call__(self, result):
        where = f"{result['file']}:{result['line']}"
        if result["verdict"] == "equivalent":
            self._say(f"{'':9}equivalent: {where}: {result['how']}")
            return
        self.done += 1
        what = result["name"] or result["kind"]
        if result["verdict"] == "killed":
            verdict = f"killed by {result['by']} ({result['how']})"
        else:
            verdict = result["verdict"].upper()
            verdict = f"\033[1;31m{verdict}\033[0m" if self.colour else verdict
        self._say(f"{self.done:4}/{self.total} {where}: {what}: {verdict}, {result['seconds']:.1f} s")

    def _say(self, line):
        print(line, file=self.stream, flush=True)


def survivors(run):
    return [r for r in run["mutants"] if r["verdict"] not in ("killed", "equivalent")]


def counted(run):
    return [r for r in run["mutants"] if r["verdict"] != "equivalent"]


def mechanical(run):
    return [r for r in counted(run) if r["kind"] != "classic"]


def killed(run):
    return [r for r in run["mutants"] if r["verdict"] == "killed"]


def way_of(how):
    return next(way for way, pattern in WAYS if re.match(pattern, how))


def ways(run):
    """How many were killed in which way, as text."""
    counts = Counter(way_of(r["how"]) for r in killed(run))
    said = [f"{way}: {counts[way]}" for way, _ in reversed(WAYS) if counts[way]]
    return "killed by " + (", ".join(said) or "nothing")


def pace(run):
    """How long it took to kill one, as text. Of a survivor it would say only how long the suites are."""
    survivor = "a survivor has to go through every suite"
    if not (seconds := [r["seconds"] for r in killed(run)]):
        return survivor
    slow = sum(1 for each in seconds if each > 60)
    return (f"a killed one took {statistics.median(seconds):.1f} s in the median and {max(seconds):.0f} s at "
            f"most, compiling included, and {slow} of {len(seconds)} took more than a minute; {survivor}")


def narrowed_by(run):
    """The option that had `run` try only some mutants. Empty when it tried all, or is too old to say."""
    return f"--sample {run['sample']}" if run.get("sample") else "--only" if run.get("only") else ""


def summary(run):
    """The score and who survived, as text."""
    tried = counted(run)
    alive = survivors(run)
    by_machine = len(mechanical(run))
    lines = [f"{len(tried) - len(alive)} of {len(tried)} killed ({len(tried) - by_machine} classic, {by_machine} "
             f"mechanical), {len(run['mutants']) - len(tried)} known equivalents passed over, "
             f"{run['uncompiled']} did not compile; {run['seconds']:.0f} s.",
             f"{_capital(ways(run))}.", f"{_capital(pace(run))}."]
    if run["without"]:
        lines.append(f"{run['without']} places of the run had no mutant that compiles.")
    if not run["complete"]:
        lines.append("Stopped early: this is what there is so far.")
    for r in alive:
        lines += [f"{r['verdict']}: {r['file']}:{r['line']} {r['id']} ({r['name'] or r['kind']})",
                  f"  - {r['original']}", f"  + {r['mutated']}"]
    return "\n".join(lines)


def merge(runs):
    """The shards of one run, added up. Throws ValueError when they are no such thing."""
    first = runs[0]
    shards = sorted(run["shard"][0] for run in runs)
    for run in runs:
        for key in ("version", "seed", "count", "commit"):
            if run[key] != first[key]:
                raise ValueError(f"the runs differ in {key}: {first[key]} and {run[key]}")
        if len(runs) > 1 and run["commit"].endswith(CHANGED):
            raise ValueError(f"shard {run['shard'][0]} is of {run['commit']}, which may be another engine each time")
        if not run["complete"]:
            raise ValueError(f"shard {run['shard'][0]} was stopped early")
        if option := narrowed_by(run) or ("--again" if run.get("again") else ""):
            raise ValueError(f"shard {run['shard'][0]} was run with {option}; "
                             "only shards of a whole run add up")
    if shards != list(range(1, first["shard"][1] + 1)):
        raise ValueError(f"expected shards 1 to {first['shard'][1]}, each once, got {shards}")
    mutants = {r["id"] + r["name"]: r for run in runs for r in run["mutants"]}
    return {**first, "shard": [1, 1], "shards": sum(run.get("shards", 1) for run in runs),
            "mutants": list(mutants.values()),
            "uncompiled": sum(run["uncompiled"] for run in runs), "without": sum(run["without"] for run in runs),
            "seconds": sum(run["seconds"] for run in runs)}


def tried_again(before, run):
    """The run `before`, with what came of its survivors in `run`."""
    results = {r["id"] + r["name"]: r for r in run["mutants"]}
    counts = Counter(r["verdict"] for r in run["mutants"])
    again = {"date": run["date"], "commit": run["commit"], "tried": len(run["mutants"]), "killed": counts["killed"],
             "equivalent": counts["equivalent"]}
    return {**before, "mutants": [results.get(r["id"] + r["name"], r) for r in before["mutants"]],
            "seconds": before["seconds"] + run["seconds"], "complete": before["complete"] and run["complete"],
            "again": [*before.get("again", []), again]}


def read_json(path):
    """A run that write_json() has written. Throws ValueError, naming the file, for anything else."""
    try:
        with open(path, encoding="utf-8") as file:
            run = json.load(file)
    except OSError as error:
        raise ValueError(f"'{path}' cannot be read: {error.strerror}") from None
    except ValueError:
        run = None
    if not isinstance(run, dict) or any(run.get(key) != value for key, value in FORMAT.items()):
        raise ValueError(f"{path}: expected a result of tests/mutation/run --json "
                         f"(format {FORMAT['format']}, version {FORMAT['version']})")
    spoilt = [field for field, kind in FIELDS.items() if not isinstance(run.get(field), kind)]
    spoilt += [field for field, kind in OPTIONAL.items() if field in run and not isinstance(run[field], kind)]
    if not spoilt and [type(number) for number in run["shard"]] != [int, int]:
        spoilt = ["shard"]
    if not spoilt and not all(_is_result(m) for m in run["mutants"]):
        spoilt = ["mutants"]
    if spoilt:
        raise ValueError(f"{path}: '{spoilt[0]}' is not as tests/mutation/run --json writes it")
    return run


def _is_result(mutant):
    return (isinstance(mutant, dict) and mutant.keys() >= FIELDS_OF_A_MUTANT
            and isinstance(mutant["seconds"], int | float))


def write_json(path, run):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(run, file, indent=1, ensure_ascii=False)
        file.write("\n")


def page(run):
    """tests/mutation/results.md: what a full run found."""
    tried = counted(run)
    alive = survivors(run)
    text = [
        "# The last mutation run", "",
        "Small faults, put into the engine one at a time: does the test suite notice? This page is written by "
        "`tests/mutation/run`.", "",
        f"- {run['date']}, commit {run['commit']}",
        f"- `tests/mutation/run --count {run['count']} --seed {run['seed']}`: {run['seconds'] / 60:.0f} minutes "
        f"{_workers(run)}",
        f"- {len(tried) - len(alive)} of {len(tried)} killed: {len(mechanical(run))} mechanical, "
        f"{len(tried) - len(mechanical(run))} classic",
        f"- {ways(run)}",
        f"- {pace(run)}",
        *_suites(run),
        *(f"- {a['tried']} that had survived were tried again at commit {a['commit']} ({a['date']}), with what was "
          f"added since: {a['killed']} killed, {a['equivalent']} equivalent" for a in run.get("again", [])),
        f"- {run['uncompiled']} further mutants did not compile, {len(run['mutants']) - len(tried)} are equivalent",
        "", SETTING,
    ]
    if alive:
        text += ["## Survivors", ""]
        for r in alive:
            text += [f"- `{r['file']}:{r['line']}` {r['id']}: `{r['original']}` to `{r['mutated']}`"]
        text += [""]
    text += _table("By kind of fault", "kind", tried, lambda r: r["kind"])
    text += _table("By file", "file", tried, lambda r: f"`{r['file']}`")
    text += _table("By what noticed it", "suite", tried, lambda r: r["by"] or "nothing")
    text += ["## Classic faults", "", "| fault | file | killed by | test |", "| --- | --- | --- | --- |"]
    for r in sorted((r for r in tried if r["kind"] == "classic"), key=lambda r: r["name"]):
        text += [f"| {r['name']} | `{r['file']}` | {r['by'] or '**' + r['verdict'] + '**'} | {_cell(r['how'])} |"]
    equivalents = [r for r in run["mutants"] if r["verdict"] == "equivalent"]
    text += ["", "## Equivalent mutants that were passed over", "", "| file | original | mutated | why |",
             "| --- | --- | --- | --- |"]
    for r in sorted(equivalents, key=lambda r: (r["file"], r["line"])):
        text += [f"| `{r['file']}` | `{_cell(r['original'])}` | `{_cell(r['mutated'])}` | {_cell(r['how'])} |"]
    return "\n".join(text) + "\n"


def _table(title, column, results, key):
    total = Counter(key(r) for r in results)
    killed = Counter(key(r) for r in results if r["verdict"] == "killed")
    lines = [f"## {title}", "", f"| {column} | mutants | killed |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {total[name]} | {killed[name]} |" for name in sorted(total)]
    return [*lines, ""]


def _workers(run):
    if (shards := run.get("shards", 1)) > 1:
        return f"in {shards} shards, added up"
    return f"with {run['jobs']} worker{'s' if run['jobs'] != 1 else ''}"


def _suites(run):
    """A line about what they cost, if the run says so."""
    taken = ", ".join(f"{name} {seconds:.0f}" for name, seconds in run.get("suites", {}).items())
    return [f"- with the sound engine the suites take, in seconds of a processor: {taken}"] if taken else []


def _capital(text):
    return text[:1].upper() + text[1:]


def _cell(text):
    return text.replace("|", "\\|")
