"""Which mutants a run tries: spread over files and lines, the same for the same seed."""

import json
import random
from dataclasses import dataclass

from mutants import all_mutants, make_mutant, one_line, read_source


class StaleEntry(Exception):
    """A written-down fault or equivalent that the engine's text no longer knows."""


@dataclass(frozen=True)
class Slot:
    """A place in the run: the first of `candidates` that compiles is the mutant that counts."""

    candidates: tuple


def engine_sources(root):
    """All files of the engine, in a fixed order."""
    paths = sorted(p for p in (root / "engine").rglob("*") if p.suffix in (".hpp", ".cpp"))
    return [read_source(root, path.relative_to(root).as_posix()) for path in paths]


def choose(sources, count, seed):
    """`count` slots, shared out over the files by the number of lines that offer a mutant. Within a file
    every line has its turn before one has its second. Slots do not depend on each other: which
    candidates compile changes nothing elsewhere."""
    orders = {}
    lines_of = {}
    for source in sources:
        mutants = all_mutants(source)
        if mutants:
            orders[source.path] = _shuffled_by_line(mutants, random.Random(f"{seed} {source.path}"))
            lines_of[source.path] = len({m.line for m in mutants})
    slots = []
    for path, quota in _shares(lines_of, count).items():
        order = orders[path]
        slots += [Slot(tuple(order[k::quota])) for k in range(min(quota, len(order)))]
    random.Random(seed).shuffle(slots)
    return slots


def _shuffled_by_line(mutants, rng):
    """One mutant of every line, then a second one of every line, and so on; the kinds of faults that a
    line offers take turns, so that a rare one is not lost among many of another."""
    by_line = {}
    for mutant in mutants:
        by_line.setdefault(mutant.line, {}).setdefault(mutant.kind, []).append(mutant)
    queues = []
    for kinds in by_line.values():
        for group in kinds.values():
            rng.shuffle(group)
        names = list(kinds)
        rng.shuffle(names)
        queue = []
        while any(kinds.values()):
            queue += [kinds[name].pop() for name in names if kinds[name]]
        queues.append(queue)
    rng.shuffle(queues)
    order = []
    for turn in range(max(map(len, queues))):
        order += [queue[turn] for queue in queues if turn < len(queue)]
    return order


def _shares(weights, count):
    """`count` split in proportion to the weights, by largest remainders."""
    total = sum(weights.values())
    exact = {name: count * weight / total for name, weight in weights.items()}
    shares = {name: int(share) for name, share in exact.items()}
    left = count - sum(shares.values())
    by_remainder = sorted(exact, key=lambda name: (shares[name] - exact[name], name))
    for name in by_remainder[:left]:
        shares[name] += 1
    return {name: share for name, share in shares.items() if share}


def read_classics(path, sources):
    """The written list of classic faults, as mutants. Throws StaleEntry when a text is not there exactly
    once."""
    by_path = {source.path: source for source in sources}
    classics = []
    for entry in json.loads(path.read_text(encoding="utf-8")):
        source = by_path.get(entry["file"])
        found = source.text.count(entry["original"]) if source else 0
        if found != 1:
            raise StaleEntry(f"classic '{entry['name']}': its text is in {entry['file']} {found} times, "
                             f"not once: {one_line(entry['original'])}")
        start = source.text.index(entry["original"])
        classics.append(make_mutant(source, "classic", start, start + len(entry["original"]),
                                    entry["replacement"], entry["name"]))
    return classics


class Equivalents:
    """The written list of mutants that change nothing anybody could see, each with the reason."""

    def __init__(self, path):
        self.entries = json.loads(path.read_text(encoding="utf-8"))

    def reason(self, mutant):
        """Why `mutant` is equivalent; None when it is not in the list."""
        for entry in self.entries:
            if _matches(entry, mutant):
                return entry["why"]
        return None

    def check(self, sources):
        """Throws StaleEntry when an entry is no mutant of the engine as it is."""
        mutants = {source.path: all_mutants(source) for source in sources}
        for entry in self.entries:
            if not any(_matches(entry, mutant) for mutant in mutants.get(entry["file"], [])):
                raise StaleEntry(f"equivalent in {entry['file']}: no mutant turns '{entry['original']}' into "
                                 f"'{entry['mutated']}' any more")


def _matches(entry, mutant):
    return (entry["file"] == mutant.file and entry["original"] == mutant.original
            and entry["mutated"] == mutant.mutated and entry.get("after", mutant.after) == mutant.after)


def sample(classics, slots, size, seed):
    """`size` of both lists, about half of each, for a run that must be short."""
    rng = random.Random(f"sample {seed}")
    half = min(len(classics), (size + 1) // 2)
    return rng.sample(classics, half), rng.sample(slots, min(len(slots), size - half))
