"""What the times of several rounds say, and how it is printed."""

import math
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Round:
    """Seconds of one row: of the sound engine before and after, and between them without the idea."""

    before: float
    without: float
    after: float

    @property
    def with_idea(self):
        """The mean of both sides: a machine that slowly gets faster or slower cancels out."""
        return math.sqrt(self.before * self.after)


@dataclass(frozen=True)
class Figures:
    with_idea: float  # seconds, the median over the rounds
    without: float
    ratio: float  # without / with, the median over the rounds of the ratio in one
    sound: float  # the same of the sound engine against itself
    noise: float  # the most that the sound engine differed from itself in any round: 0.1 is 10 %
    agree: bool  # is it slower in every round, or faster in every round?

    @property
    def measurable(self):
        return self.agree and abs(math.log(self.ratio)) > math.log1p(self.noise)


def figures(rounds):
    """The figures of one row."""
    ratios = [r.without / r.with_idea for r in rounds]
    return Figures(
        with_idea=median(r.with_idea for r in rounds),
        without=median(r.without for r in rounds),
        ratio=median(ratios),
        sound=median(r.after / r.before for r in rounds),
        noise=math.exp(max(abs(math.log(r.after / r.before)) for r in rounds)) - 1,
        agree=min(ratios) > 1 or max(ratios) < 1)


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values))


def mean_figures(rows):
    """The figures of all rows together, from the geometric means of their times in each round: rows that the
    same disturbance hit are not counted as several."""
    return figures([
        Round(*(geometric_mean(getattr(r, side) for r in row_rounds) for side in ("before", "without", "after")))
        for row_rounds in zip(*rows)])


def seconds_of(report, first):
    """The engine's time of each row in a report of the benchmark, by a name that says what it is for: as many
    times LibTorch's as in the report, and that is as fast as in the `first` one. Both took turns every few
    milliseconds, so LibTorch tells how fast the machine was just then, which other guests of it change."""
    libtorch = {row["name"]: row["libtorch_seconds"] for row in first["rows"]}
    seconds = {}
    for row in report["rows"]:
        unit = "" if row["unit"] == "run" else f" (per {row['unit']})"
        seconds[row["name"] + unit] = row["ratio"] * libtorch[row["name"]]
    for chain in report["chains"]:  # in a process of their own, where nothing is warm at first
        seconds[f"{chain['name']}, own process, first run"] = chain["cold_seconds"]
        seconds[f"{chain['name']}, own process, later"] = chain["warm_seconds"]
    return seconds


def least_share(report):
    """The smallest part of a core that a row on one thread got: less than 1 when others took turns."""
    return min((row["processor_share"] for row in report["rows"] if row["threads"] == 1), default=1.0)


def rounds_by_row(triples):
    """The reports of each round (before, without, after) as the rounds of each row."""
    first = triples[0][0]
    times = [tuple(seconds_of(report, first) for report in triple) for triple in triples]
    return {name: [Round(*(seconds[name] for seconds in triple)) for triple in times] for name in times[0][0]}


# --- Printing ------------------------------------------------------------------------------------------

HEADS = ("row", "with", "without", "without/with", "sound/sound", "noise", "")


def duration(seconds):
    """Three digits and a unit."""
    for size, unit in ((1e-6, "ns"), (1e-3, "µs"), (1, "ms")):
        if seconds < 0.9995 * size:
            scaled = seconds / size * 1000
            break
    else:
        scaled, unit = seconds, "s"
    return f"{scaled:.{2 if scaled < 9.995 else 1 if scaled < 99.95 else 0}f} {unit}"


def verdict(row):
    if not row.measurable:
        return "not measurable"
    change = 100 * (row.ratio - 1)
    return f"{abs(change):.1f} % {'slower' if change > 0 else 'faster'} without"


def table(rows, mean):
    """The cells of one idea's table; `rows` by name."""
    def cells(name, row, times):
        return (name, *times, f"{row.ratio:.3f}", f"{row.sound:.3f}", f"{100 * row.noise:.1f} %", verdict(row))
    lines = [cells(name, row, (duration(row.with_idea), duration(row.without))) for name, row in rows.items()]
    return [*lines, cells("geometric mean", mean, ("", ""))]


def as_text(lines):
    widths = [max(map(len, column)) for column in zip(HEADS, *lines)]
    last = len(HEADS) - 1

    def line(cells):
        return "  ".join(cell.rjust(width) if 0 < i < last else cell.ljust(width)
                         for i, (cell, width) in enumerate(zip(cells, widths))).rstrip()
    return "\n".join([line(HEADS), "  ".join("-" * width for width in widths), *map(line, lines)])


def as_markdown(lines):
    marks = ["---", *["---:"] * (len(HEADS) - 2), "---"]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (HEADS, marks, *lines))
