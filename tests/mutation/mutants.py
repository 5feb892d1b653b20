"""Small faults made mechanically: every mutant that a file of the engine offers."""

import functools
import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace

from faults import faults
from source import Source


@dataclass(frozen=True)
class Mutant:
    """One fault: `text` instead of the characters from `start` to `end` of `file`."""

    file: str  # from the root of the repository, "engine/shape.cpp"
    line: int  # the first that changes; 1 is the first of the file
    kind: str
    start: int
    end: int
    text: str
    original: str  # the lines that change, as one line
    mutated: str  # and what they become
    after: str  # the line of code before them, to tell equal lines apart
    name: str = ""  # of a classic
    function: str = ""  # in whose body it lies; empty for none
    shared: bool = False  # a constant or default outside of functions: all who include it must agree
    repeat: int = 0  # how many mutants of the file before this one are the same in all these words

    @property
    def id(self):
        """Names the fault, whatever line it has moved to."""
        what = "\n".join((self.file, self.after, self.original, self.mutated, "again" * self.repeat))
        return hashlib.sha256(what.encode()).hexdigest()[:8]

    @property
    def must_agree(self):
        """Would a program made from the sound header and the library disagree about something that both need
        to see alike, such as how large a block of memory is? It would fail for that reason alone."""
        return self.file == "engine/pool.hpp"

    def apply(self, text):
        return text[: self.start] + self.text + text[self.end :]


def make_mutant(source, kind, start, end, text, name="", shared=False):
    """A mutant of `source`, described by whole lines."""
    first = source.text.rfind("\n", 0, start) + 1
    last = source.text.find("\n", max(end - 1, start))
    last = len(source.text) if last < 0 else last
    line = source.text.count("\n", 0, start) + 1
    mutated = source.text[first:start] + text + source.text[end:last]
    before = line - 2
    while before >= 0 and not is_code_line(source.lines[before]):
        before -= 1
    return Mutant(source.path, line, kind, start, end, text, one_line(source.text[first:last]),
                  one_line(mutated), one_line(source.lines[before]) if before >= 0 else "", name,
                  source.function_at(start), shared)


def one_line(text):
    """Code as one line, without the comments at the ends of its lines."""
    return " ".join(" ".join(re.sub(r"\s*//[^\"\n]*$", "", line) for line in text.split("\n")).split())


def is_code_line(line):
    return bool(line.strip()) and not line.strip().startswith("//")


@functools.cache
def all_mutants(source):
    """Every mechanical mutant of a file, in the order of its lines; none twice."""
    found = {}
    for kind, start, end, text, shared in faults(source):
        mutant = make_mutant(source, kind, start, end, text, shared=shared)
        if mutant.mutated != mutant.original:
            found.setdefault(mutant.apply(source.text), mutant)
    repeats = Counter()
    mutants = []
    for mutant in sorted(found.values(), key=lambda m: (m.line, m.start, m.end, m.text)):
        mutants.append(replace(mutant, repeat=repeats[mutant.id]))
        repeats[mutant.id] += 1
    return mutants


def read_source(root, path):
    return Source(path, (root / path).read_text(encoding="utf-8"))
