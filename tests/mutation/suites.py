"""Runs the test programs against one engine, and says what noticed a fault."""

import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, replace

from build import BuildError
from workshop import Workshop, kill_session

LONGEST = 60  # seconds of processor time that one suite may take
PATIENCE = 300  # seconds after which a suite hangs, though it takes no processor time
TIME_LIMIT = "time limit"
MEMORY = 4 << 20  # KiB of data: a mutant that allocates without end must not take the machine along
LARGEST_FILE = 64 << 10  # KiB

_GTEST = ("--gtest_fail_fast", "--gtest_color=no", "--gtest_print_time=0")
_DEEP = "DeepGraph*"
_NOT_ABOUT_THE_ENGINE = "Layering*"  # reads the checkout's files


@dataclass(frozen=True)
class Suite:
    """One program and what it is asked to run."""

    name: str
    program: str
    arguments: tuple


# In the order in which a mutant meets them: the quickest proof first. Not the programs that numerical_tests
# differentiates: those of the fuzz are the same sort, and quicker. The fuzz gets one program fewer than it
# judges its shares from, so that only a disagreement fails it.
SUITES = (
    Suite("engine", "engine_tests", (*_GTEST, f"--gtest_filter=-{_DEEP}:{_NOT_ABOUT_THE_ENGINE}")),
    Suite("crossvalidation", "crossvalidation_tests", _GTEST),
    Suite("fuzz", "fuzz", ("--programs", "999", "--seed", "1")),
    Suite("numerical", "numerical_tests", (*_GTEST, "--gtest_filter=Operations/*")),
    Suite("grid", "grid_tests", _GTEST),
    Suite("deep graphs", "engine_tests", (*_GTEST, f"--gtest_filter={_DEEP}")),
)


@dataclass(frozen=True)
class Outcome:
    """What came of one suite."""

    failed: bool
    how: str  # "Backward.SumsOverAllPaths", "SIGSEGV in ...", "time limit in ...", "program 7: ..."
    seconds: float
    processor: float  # seconds of processor time


class Runner:
    """Runs suites; knows how long each takes on the sound engine, which it finds out on first use."""

    def __init__(self, sound):
        self.sound = sound
        self.sound_seconds = {}
        self._lock = threading.Lock()

    def available(self):
        return [suite for suite in SUITES if (self.sound.programs / suite.program).exists()]

    def run(self, suite, workshop, program=None):
        """Runs `suite` with the engine that is in the workshop's products."""
        with self._lock:
            if suite.name not in self.sound_seconds:
                self._measure(suite)
        # Processor time, so that a busy machine kills no mutant; three times what is usual is a hang.
        limit = min(LONGEST, 3 + 3 * self.sound_seconds[suite.name])
        program = program or self.sound.programs / suite.program
        outcome = _run(program, suite.arguments, workshop, limit)
        if outcome.how.startswith(TIME_LIMIT):  # slow is not a fault yet
            outcome = _run(program, suite.arguments, workshop, 2 * limit)
        if suite.program == "fuzz" and outcome.how.startswith("exit"):
            return replace(outcome, failed=False)  # it gave up, and says nothing about the engine
        return outcome

    def _measure(self, suite):
        """Runs `suite` with the sound engine: what fails there proves nothing."""
        workshop = Workshop(self.sound, "sound")
        workshop.use_sound_engine()
        program = self.sound.programs / suite.program
        loads = subprocess.run(["ldd", program], env=_environment(workshop), text=True, capture_output=True,
                               check=True).stdout
        if str(workshop.products) not in loads:
            raise BuildError(f"{suite.program} would not load the mutated engine:\n{loads}")
        outcome = _run(program, suite.arguments, workshop, LONGEST)
        if outcome.failed:
            raise BuildError(f"the suite '{suite.name}' fails on the sound engine: {outcome.how}\n"
                             f"(what it said: {workshop.folder / 'output.txt'})")
        self.sound_seconds[suite.name] = round(outcome.processor, 2)


def _environment(workshop):
    # One thread: more would make the figures of processor time depend on the machine. Memory is filled with
    # rubbish before and after use, so that reading what was never written shows.
    return {**os.environ, "LD_LIBRARY_PATH": str(workshop.products), "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1", "MALLOC_PERTURB_": "165"}


def _run(program, arguments, workshop, limit):
    limits = f'ulimit -c 0 -d {MEMORY} -f {LARGEST_FILE} -t {int(limit) + 1}; exec "$@"'
    output = workshop.folder / "output.txt"
    started = time.monotonic()
    with open(output, "w", encoding="utf-8") as file:
        process = workshop.start(["bash", "-c", limits, "limits", program, *arguments], workshop.scratch, file,
                                 _environment(workshop))
        if process is None:
            return Outcome(True, "stopped", 0, 0)
        timer = threading.Timer(PATIENCE, kill_session, [process])
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    kill_session(process)  # whatever it left behind
    text = output.read_text(encoding="utf-8", errors="replace")
    return Outcome(process.returncode != 0, _how(process.returncode, text), time.monotonic() - started,
                   usage.ru_utime + usage.ru_stime)


def _how(status, text):
    """The test that failed or that was running at the end, and why it ended; the fuzz's first finding."""
    if status == 0:
        return ""
    if found := re.search(r"^program \d+: .*", text, re.MULTILINE):
        return found[0].rstrip()
    failed = re.findall(r"^\[  FAILED  \] ([^\s,(]+)", text, re.MULTILINE)
    running = re.findall(r"^\[ RUN      \] (\S+)", text, re.MULTILINE)
    test = failed[0] if failed else running[-1] if running else ""
    if status > 0:
        return test or f"exit {status}"
    limit = -status in (signal.SIGXCPU, signal.SIGKILL)
    why = TIME_LIMIT if limit else signal.Signals(-status).name
    return f"{why} in {test}" if test else why
