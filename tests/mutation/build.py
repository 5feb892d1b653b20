"""Builds the sound programs once, and the engine anew with each fault in it.

Nothing in the checkout is touched. The sound engine, its sources and the test programs are copied to
build/mutation; a mutant is an overlay of one file, the objects that include it, and a library of its
own, all in the folder of the worker that tries it.
"""

import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

LIBRARY = "libmutation_engine.so"


class BuildError(Exception):
    """The sound programs could not be built, or do not pass their own tests."""


def kill_session(process):
    """Ends `process`, which leads a session, and all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


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


class SoundBuild:
    """The unmutated engine: commands that compile it, objects, programs linked with it."""

    def __init__(self, root, folder):
        self.root = root
        self.build = root / "build/release"
        self.folder = folder
        self.sources = folder / "sources"
        self.programs = folder / "programs"
        self.objects = folder / "objects"

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
            self.engine = self._unit(f"mutation/{LIBRARY}", "engine/")
            self.tests = self._unit("mutation/engine_tests", "tests/engine/")

    def quick_options(self):
        """How the engine is compiled, for the tests: unoptimised, with the same precompiled headers."""
        words = next(iter(self.engine.compile_of.values()))
        at = words.index("-include")
        return ["-fPIC", "-O0", "-w", *(w for w in words if w.startswith("-D_GLIBCXX_ASS")), *words[at : at + 2]]

    def _unit(self, target, part):
        """How `target` is made of the sources under `part`; its objects are copied."""
        commands = self._ninja("commands", target).splitlines()
        compile_of = {}
        objects = []
        for command in commands:
            words = shlex.split(command)
            if "-c" not in words or not words[words.index("-c") + 1].startswith(str(self.root / part)):
                continue
            output = words[words.index("-o") + 1]
            if output not in commands[-1].split():
                continue  # the same source in another target
            compile_of[output] = words
            objects.append(output)
            (self.objects / output).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.build / output, self.objects / output)
        link = shlex.split(commands[-1])
        link = link[link.index("&&") + 1:]
        link = link[: link.index("&&")]
        return Unit(self, target, compile_of, link, self._includes(objects))

    def _includes(self, objects):
        """The files of this repository that each object was made from."""
        includes = {}
        for line in self._ninja("deps", *objects).splitlines():
            if line[:1].strip():
                includes[current := line.split(":")[0]] = set()
            elif line.strip().startswith(str(self.root) + "/"):
                includes[current].add(Path(line.strip()).relative_to(self.root).as_posix())
        return includes

    def _ninja(self, tool, *arguments):
        return subprocess.run(["ninja", "-C", self.build, "-t", tool, *arguments], check=True, text=True,
                              capture_output=True).stdout.replace(f"ninja: Entering directory `{self.build}'\n", "")


class Unit:
    """A library or program out of our own sources, which can be made again with one file changed."""

    def __init__(self, sound, target, compile_of, link, includes):
        self.sound = sound
        self.target = target
        self.compile_of = compile_of
        self.link = link
        self.includes = includes

    def objects_of(self, path):
        """The objects that must be compiled anew when the file at `path` changes; the file's own and the
        small ones first, so that what does not compile is noticed soon."""
        objects = [o for o in self.compile_of if path in self.includes.get(o, ())]
        return sorted(objects, key=lambda o: (not o.endswith(Path(path).name + ".o"),
                                              (self.sound.objects / o).stat().st_size))

    def remake(self, workshop, path, extra=()):
        """Compiles and links the unit with the file at `path` as it stands in the workshop's overlay.
        Returns the product, or None when it does not compile."""
        changed = self.objects_of(path)
        for output in changed:
            if not workshop.run(self._compile(workshop, output, extra), self.sound.build):
                return None
        words = []
        for word in self.link:
            if word in self.compile_of:
                word = str((workshop.objects if word in changed else self.sound.objects) / word)
            words.append(word)
        product = workshop.products / Path(self.target).name
        words[words.index("-o") + 1] = str(product)
        return product if workshop.run(words, self.sound.build) else None

    def _compile(self, workshop, output, extra):
        words = list(self.compile_of[output])
        (workshop.objects / output).parent.mkdir(parents=True, exist_ok=True)
        source = Path(words[words.index("-c") + 1]).relative_to(self.sound.root)
        overlaid = workshop.overlay / source
        words[words.index("-c") + 1] = str(overlaid if overlaid.exists() else self.sound.sources / source)
        words[words.index("-o") + 1] = str(workshop.objects / output)
        for flag in ("-MF", "-MT"):
            if flag in words:
                del words[words.index(flag) : words.index(flag) + 2]
        words = [w for w in words if w not in ("-MD", "-Werror")]
        at = words.index(f"-I{self.sound.root}")
        words[at : at + 1] = [f"-I{workshop.overlay}", f"-I{self.sound.sources}"]
        return [*words, *extra]


class Workshop:
    """Where one worker makes its mutants."""

    def __init__(self, sound, number):
        self.sound = sound
        self.folder = sound.folder / f"worker_{number}"
        self.overlay = self.folder / "overlay"
        self.objects = self.folder / "objects"
        self.products = self.folder / "products"
        self.scratch = self.folder / "scratch"
        self.log = self.folder / "compiler.log"
        self._running = None
        self._stopped = False
        self._lock = threading.Lock()

    def make_engine(self, mutant):
        """The engine with `mutant` in it, in `products`. False when it does not compile."""
        self.clean()
        overlaid = self.overlay / mutant.file
        overlaid.parent.mkdir(parents=True)
        sound = (self.sound.sources / mutant.file).read_text(encoding="utf-8")
        overlaid.write_text(mutant.apply(sound), encoding="utf-8")
        return self.sound.engine.remake(self, mutant.file) is not None

    def make_tests(self, mutant):
        """The engine's tests with the mutated header in them: its inline functions and defaults. The
        program, or None when it does not compile."""
        return self.sound.tests.remake(self, mutant.file, self.sound.quick_options())

    def use_sound_engine(self):
        self.clean()
        shutil.copy2(self.sound.programs / LIBRARY, self.products / LIBRARY)

    def clean(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        for folder in (self.overlay, self.objects, self.products, self.scratch):
            folder.mkdir(parents=True)

    def run(self, words, folder):
        """One command of the compiler; what it says goes to a file. True when it succeeds."""
        with open(self.log, "a", encoding="utf-8") as log:
            process = self.start(words, cwd=folder, stdout=log)
            return process is not None and process.wait() == 0

    def start(self, words, cwd, stdout, env=None):
        """A process in a session of its own, which Ctrl-C does not reach but stop() does. None when this
        workshop has been stopped."""
        with self._lock:
            if self._stopped:
                return None
            self._running = subprocess.Popen(words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=stdout,
                                             stderr=stdout, start_new_session=True)
            return self._running

    def stop(self):
        """Ends what runs here, and starts nothing any more."""
        with self._lock:
            self._stopped = True
            if self._running is not None and self._running.returncode is None:
                kill_session(self._running)

