"""Where one worker makes and tries its mutants."""

import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

from build import LIBRARY


def kill_session(process):
    """Ends `process`, which leads a session, and all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Workshop:
    """A folder, and the one process at a time that runs for it."""

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
        """The engine with `mutant` in it, in `products`. None when it does not compile."""
        self.clean()
        overlaid = self.overlay / mutant.file
        overlaid.parent.mkdir(parents=True)
        sound = (self.sound.sources / mutant.file).read_text(encoding="utf-8")
        overlaid.write_text(mutant.apply(sound), encoding="utf-8")
        return self.sound.engine.remake(self, mutant)

    def make_tests(self, mutant):
        """The engine's tests with the mutated header in them: its inline functions and defaults. Yields the
        program, or None when it does not compile; where many tests must be compiled anew, first with only
        those that are called like the header."""
        tests = self.sound.tests
        own = f"{Path(mutant.file).stem}_test.cpp"
        if mutant.shared and any(output.endswith(f"/{own}.o") for output in tests.objects_of(mutant)):
            yield tests.remake(self, mutant, own)
        yield tests.remake(self, mutant)

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
