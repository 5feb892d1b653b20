"""Builds the sound programs once, and the engine anew with each fault in it.

Nothing in the checkout is touched. The sound engine, its sources and the test programs are copied to
build/mutation; a mutant is an overlay of one file, the objects that it changes, and a library of its own,
all in the folder of the worker that tries it (workshop.py).
"""

import fcntl
import re
import shlex
import shutil
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

LIBRARY = "libmutation_engine.so"


class BuildError(Exception):
    """The sound programs could not be built, or do not pass their own tests."""


@contextmanager
def only_one(path):
    """Waits until no other run of this checkout is building."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_programs(root):
    """What is missing is installed, configured and built, as tests/run does it."""
    script = (
        "set -uo pipefail; me=tests/mutation/run; source lessons/setup.sh; need_packages for_tests; "
        "configure release GRADBOOK_TESTS=ON; build release 'the programs of the mutation run' mutation_programs"
    )
    if subprocess.run(["bash", "-c", script], cwd=root, check=False).returncode != 0:
        raise BuildError("the programs could not be built")


def precompiled_headers(words):
    """The part of a compile command that has the precompiled headers used."""
    return words[words.index("-Winvalid-pch") : words.index("-MD")]


def link_command(link, product, sound, changed):
    """The command `link` with the files of the objects `sound` and `changed` in place of the build's. The changed
    ones come first: of a function of a header, which many objects have a copy of, the linker takes the first."""
    words = [sound.get(word, word) for word in link if word not in changed]
    words[words.index("-o") + 1] = str(product)
    return [words[0], *changed.values(), *words[1:]]


class SoundBuild:
    """The unmutated engine and its tests: copies of the sources, of the programs, and how they are made."""

    def __init__(self, root, folder):
        self.root = root
        self.build = root / "build/release"
        self.folder = folder
        self.sources = folder / "sources"
        self.programs = folder / "programs"

    def prepare(self, sources):
        """Builds, and copies all that the run will need. Throws BuildError, also when the engine is no longer
        what `sources` say: its mutants were chosen from them."""
        with only_one(self.root / "build/mutation/lock"):
            build_programs(self.root)
            shutil.rmtree(self.folder, ignore_errors=True)
            for part in ("engine", "tests"):
                shutil.copytree(self.root / part, self.sources / part)
            shutil.copytree(self.build / "mutation", self.programs)
            for source in sources:
                if (self.sources / source.path).read_text(encoding="utf-8") != source.text:
                    raise BuildError(f"{source.path} has changed while the programs were built; start again")
            self.engine = Unit(self, f"mutation/{LIBRARY}", "engine/")
            self.engine.copy_objects()
            # The tests are compiled as the engine is: unoptimised, with the same precompiled headers.
            precompiled = precompiled_headers(next(iter(self.engine.compile_of.values())))
            self.tests = Unit(self, "mutation/engine_tests", "tests/engine/",
                              ["-fPIC", "-O0", "-w", "-D_GLIBCXX_ASSERTIONS", *precompiled])
            for words in self.tests.compile_of.values():
                at = words.index("-Winvalid-pch")
                del words[at : at + len(precompiled_headers(words))]

    def ninja(self, tool, *arguments):
        """What one of ninja's own tools says about the build, line by line."""
        said = subprocess.run(["ninja", "-C", self.build, "-t", tool, *arguments], check=True, text=True,
                              capture_output=True).stdout
        return [line for line in said.splitlines() if not line.startswith("ninja: ")]


class Unit:
    """A library or program out of our own sources, which can be made again with one file changed."""

    def __init__(self, sound, target, part, extra=()):
        """`target` of the build, out of the sources under the folder `part`; `extra` options compile it."""
        self.sound = sound
        self.target = target
        self.extra = extra
        self.objects = sound.folder / "objects" / Path(target).name
        self.functions = None  # names of the functions in each object, once there are objects
        self._lock = threading.Lock()
        commands = sound.ninja("commands", target)
        link = shlex.split(commands[-1])
        link = link[link.index("&&") + 1 :]
        self.link = link[: link.index("&&")]
        self.compile_of = {}  # by object
        for words in map(shlex.split, commands[:-1]):
            if "-c" in words and words[words.index("-c") + 1].startswith(str(sound.root / part)):
                output = words[words.index("-o") + 1]
                if output in self.link:  # else another target has the same source
                    self.compile_of[output] = words
        self.includes = {}  # the files of this repository that each object was made from
        for line in sound.ninja("deps", *self.compile_of):
            if line[:1].strip():
                self.includes[current := line.split(":")[0]] = set()
            elif line.strip().startswith(f"{sound.root}/"):
                self.includes[current].add(Path(line.strip()).relative_to(sound.root).as_posix())

    def copy_objects(self):
        """Takes the objects as they stand in the build."""
        for output in self.compile_of:
            (self.objects / output).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.sound.build / output, self.objects / output)
        self._read_functions()

    def remake(self, workshop, mutant, only=""):
        """Compiles and links the unit with the mutant's file as it stands in the workshop's overlay. Returns
        the product, or None when it does not compile. `only`: no more than the object of that source."""
        if not self._has_objects(workshop):
            return None
        changed = [o for o in self.objects_of(mutant) if not only or o.endswith(f"/{only}.o")]
        for output in changed:
            if not workshop.run(self._compile(output, workshop.objects, workshop.overlay), self.sound.build):
                return None
        product = workshop.products / Path(self.target).name
        sound = {o: str(self.objects / o) for o in self.compile_of}
        words = link_command(self.link, product, sound, {o: str(workshop.objects / o) for o in changed})
        return product if workshop.run(words, self.sound.build) else None

    def objects_of(self, mutant):
        """The objects that must be compiled anew: the file's own and the small ones first, so that what does
        not compile is noticed soon. None when nothing in the unit uses what is mutated.

        Not all that include the file: nothing is inlined, so a function of a header is there in copies, of
        which link_command() has the changed ones taken. As many objects will do as have each of them once."""
        affected = [o for o in self.compile_of if mutant.file in self.includes.get(o, ())]
        if mutant.file.endswith(".hpp") and mutant.function and not mutant.shared:
            affected = self._cover(affected, mutant.function)
        return sorted(affected, key=lambda o: (not o.endswith(Path(mutant.file).name + ".o"), self._size(o)))

    def _cover(self, objects, function):
        """Few and small ones of the objects that have, between them, every copy of `function` and of what
        lies inside it."""
        mentions = re.compile(rf"(?<!\w){re.escape(function)}" + (r"(?!\w)" if function[-1].isalnum() else ""))
        shared = {o: set(filter(mentions.search, self.functions[o]["W"])) for o in objects}
        chosen = [o for o in objects if any(map(mentions.search, self.functions[o]["t"]))]
        missing = set().union(*shared.values()).difference(*(shared[o] for o in chosen))
        while missing:
            best = max(objects, key=lambda o: len(shared[o] & missing) / self._size(o))
            chosen.append(best)
            missing -= shared[best]
        return chosen

    def _size(self, output):
        return (self.objects / output).stat().st_size

    def _has_objects(self, workshop):
        """Compiles the sound objects on first use, which few runs have; the others wait. False when stopped."""
        with self._lock:
            if self.functions is None:
                for output in self.compile_of:
                    if not workshop.run(self._compile(output, self.objects), self.sound.build):
                        return False
                self._read_functions()
            return True

    def _read_functions(self):
        """Which functions each object has: W, which others may have a copy of as well, and t, its own."""
        self.functions = {}
        for output in self.compile_of:
            symbols = subprocess.run(["nm", "-C", "--defined-only", self.objects / output], check=True, text=True,
                                     capture_output=True).stdout
            self.functions[output] = {kind: set(re.findall(rf"^[0-9a-f]* {kind} (.*)$", symbols, re.MULTILINE))
                                      for kind in "Wt"}

    def _compile(self, output, objects, overlay=None):
        """The command that makes `output` in the folder `objects`, with the overlay's files before all others."""
        words = list(self.compile_of[output])
        (objects / output).parent.mkdir(parents=True, exist_ok=True)
        source = Path(words[words.index("-c") + 1]).relative_to(self.sound.root)
        is_overlaid = overlay is not None and (overlay / source).exists()
        words[words.index("-c") + 1] = str((overlay if is_overlaid else self.sound.sources) / source)
        words[words.index("-o") + 1] = str(objects / output)
        for flag in ("-MF", "-MT"):
            del words[words.index(flag) : words.index(flag) + 2]
        words = [word for word in words if word not in ("-MD", "-Werror")]
        at = words.index(f"-I{self.sound.root}")
        words[at : at + 1] = [f"-I{folder}" for folder in (overlay, self.sound.sources) if folder is not None]
        return [*words, *self.extra]
