"""Tries the mutants, several at a time, and keeps what came of each."""

import queue
import threading
import time

from suites import SUITES
from workshop import Workshop


class Campaign:
    """A run over classics and slots. `results` has one entry for each mutant that counts and each known
    equivalent that was met; it grows while the run goes on, and is good at any time."""

    def __init__(self, sound, runner, equivalents, progress):
        self.sound = sound
        self.runner = runner
        self.equivalents = equivalents
        self.progress = progress
        self.results = []
        self.uncompiled = 0  # candidates
        self.without = 0  # slots of which no candidate compiled
        self.error = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._workshops = []
        self._threads = []

    def run(self, classics, slots, jobs):
        """Returns when all are tried. Ctrl-C is an exception as usual: call stop() then."""
        tasks = queue.SimpleQueue()
        for classic in classics:
            tasks.put((classic,))
        for slot in slots:
            tasks.put(slot.candidates)
        self._workshops = [Workshop(self.sound, number + 1) for number in range(jobs)]
        self._threads = [threading.Thread(target=self._work, args=(tasks, shop)) for shop in self._workshops]
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            while thread.is_alive():  # in slices, so that Ctrl-C gets through
                thread.join(0.2)
        if self.error:
            raise self.error

    def stop(self):
        """Ends the run early; a mutant that is half tried does not count."""
        self._halt()
        for thread in self._threads:
            thread.join()

    def _halt(self):
        self._stop.set()
        for workshop in self._workshops:
            workshop.stop()

    def _work(self, tasks, workshop):
        while not self._stop.is_set():
            try:
                candidates = tasks.get_nowait()
            except queue.Empty:
                return
            try:
                self._try(candidates, workshop)
            except Exception as error:  # whatever it is: a mutant must not go missing
                self.error = error
                self._halt()

    def _try(self, candidates, workshop):
        """The first of the candidates that compiles and is not known to be equivalent counts."""
        for mutant in candidates:
            started = time.monotonic()
            reason = self.equivalents.reason(mutant) if self.equivalents else None
            if reason is not None:
                self._add(mutant, "equivalent", "", reason, 0)
                continue
            killer = self._killer(mutant, workshop)
            if self._stop.is_set():
                return
            if killer is not None:
                by, how = killer
                self._add(mutant, "killed" if by else "survived", by, how, time.monotonic() - started)
                return
            with self._lock:
                self.uncompiled += 1
            if mutant.name:
                self._add(mutant, "does not compile", "", "", time.monotonic() - started)
        if not candidates[0].name:
            with self._lock:
                self.without += 1

    def _killer(self, mutant, workshop):
        """The first suite that fails with the mutant, and which test in it; twice empty when none does. None
        when it does not compile."""
        if not workshop.make_engine(mutant):
            return None
        run = self.runner.run
        if not mutant.must_agree and self.sound.engine.objects_of(mutant):
            for suite in self.runner.available():
                if suite is not SUITES[-1] and (outcome := run(suite, workshop)).failed:
                    return suite.name, outcome.how
        # The programs have copies of their own of what is inline in a header, and sound ones.
        program = None
        if mutant.file.endswith(".hpp"):
            for program in workshop.make_tests(mutant):
                if program is None:
                    return None
                if (outcome := run(SUITES[0], workshop, program)).failed:
                    return f"{SUITES[0].name}, compiled anew", outcome.how
        outcome = run(SUITES[-1], workshop, program)
        return (SUITES[-1].name, outcome.how) if outcome.failed else ("", "")

    def _add(self, mutant, verdict, by, how, seconds):
        result = {"id": mutant.id, "name": mutant.name, "file": mutant.file, "line": mutant.line,
                  "kind": mutant.kind, "original": mutant.original, "mutated": mutant.mutated,
                  "after": mutant.after, "verdict": verdict, "by": by, "how": how, "seconds": round(seconds, 1)}
        with self._lock:
            if verdict == "equivalent" and any(r["id"] == mutant.id for r in self.results):
                return
            self.results.append(result)
            self.progress(result)
