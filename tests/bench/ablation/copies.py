"""Copies of the working tree, each with one idea of the engine taken out, and their benchmarks."""

import fcntl
import json
import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass


class StaleEdit(Exception):
    """A written-down edit that the text of its file no longer knows."""


class BuildError(Exception):
    """A copy could not be built, or its benchmark did not run."""


@dataclass(frozen=True)
class Edit:
    file: str  # from the root of the repository
    original: str
    replacement: str


@dataclass(frozen=True)
class Idea:
    name: str
    what: str
    rows: str  # regular expression: where it shows
    edits: tuple
    threads: str  # what the benchmark is given as --threads


def read_ideas(path):
    """The list of ideas by name, in its order."""
    ideas = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        edits = tuple(Edit(e["file"], e["from"], e["to"]) for e in entry["edits"])
        ideas[entry["name"]] = Idea(entry["name"], entry["what"], entry["rows"], edits, entry.get("threads", "1"))
    return ideas


def edited(path, text, edits):
    """The text of the file `path` after those of `edits` that are its own. Throws StaleEdit when what an edit
    replaces is not there exactly once."""
    for edit in edits:
        if edit.file != path:
            continue
        found = text.count(edit.original)
        if found != 1:
            line = edit.original.strip().split("\n")[0]
            raise StaleEdit(f"ideas.json: its text is in {path} {found} times, not once: {line}")
        text = text.replace(edit.original, edit.replacement)
    return text


def tree_files(root):
    """The files of the working tree that git knows, and new ones that it does not ignore: CMake may name them."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=root, check=True, text=True,
                                capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise BuildError("git does not say which files belong to the checkout") from None
    return {path for path in listed.split("\0") if path and (root / path).is_file()}


@contextmanager
def only_one(folder):
    """While it lasts, no other run of this checkout: it would change the copies, and disturb the measurement."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildError("another run of it is going on in this checkout") from None
        yield


class Copy:
    """A copy of what git knows of the working tree, with `edits` made in it, and the benchmark built there."""

    # As tests/bench/run does it, by the copy's own script, so that all of it stays in the copy.
    BUILD = ("set -uo pipefail; me=tests/bench/without; source lessons/setup.sh; need_packages for_tests; "
             'configure release GRADBOOK_TESTS=ON; build release "$1" bench')

    def __init__(self, root, name, edits=()):
        self.root = root
        self.name = name
        self.edits = edits
        self.folder = root / "build/ablation" / name
        self.bench = self.folder / "build/release/bin/bench"

    def update(self):
        """Writes only what differs, so that only that is compiled anew."""
        wanted = tree_files(self.root)
        for path in sorted(wanted):
            content = (self.root / path).read_bytes()
            if any(edit.file == path for edit in self.edits):
                content = edited(path, content.decode(), self.edits).encode()
            target = self.folder / path
            if target.is_file() and target.read_bytes() == content:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        for folder, inner, files in os.walk(self.folder):
            if folder == str(self.folder) and "build" in inner:
                inner.remove("build")
            for path in (os.path.join(folder, file) for file in files):
                if os.path.relpath(path, self.folder) not in wanted:
                    os.remove(path)

    def build(self):
        """Throws BuildError. The compiler's messages go to standard error."""
        label = "the sound benchmark" if not self.edits else f"the benchmark without {self.name}"
        # An edit may leave something unused behind, and that is no error here.
        environment = {name: value for name, value in os.environ.items() if name != "GRADBOOK_WERROR"}
        done = subprocess.run(["bash", "-c", self.BUILD, "bash", label], cwd=self.folder, env=environment, check=False)
        if done.returncode != 0:
            raise BuildError(f"{label} could not be built in build/ablation/{self.name}")

    def has_rows(self, rows):
        """Does the regular expression match any row?"""
        listed = subprocess.run([self.bench, "--list", "--filter", rows], capture_output=True, check=False)
        return listed.returncode == 0

    def measure(self, rows, threads):
        """What the benchmark writes as JSON about the rows that match."""
        report = self.folder / "build/report.json"
        report.unlink(missing_ok=True)
        done = subprocess.run([self.bench, "--filter", rows, "--threads", threads, "--json", report],
                              text=True, capture_output=True, check=False)
        if done.returncode == 130:
            raise KeyboardInterrupt
        if done.returncode != 0:
            said = done.stderr.strip().split("\n")[-1]
            raise BuildError(f"the benchmark of build/ablation/{self.name} ended with {done.returncode}: {said}")
        return json.loads(report.read_text(encoding="utf-8"))
