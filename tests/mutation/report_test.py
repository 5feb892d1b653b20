"""Tests of what a mutation run says of itself: what adds up, what is published, what killed a mutant."""

import contextlib
import io
import re
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import report
from main import FULL, ROOT, main
from suites import SUITES, Runner
from workshop import Workshop


def run_of(shard, *mutants, of=2, **fields):
    return {**report.FORMAT, "date": "2020-01-02", "commit": "abc", "seed": 1, "count": 2,
            "shard": [shard, of], "jobs": 2, "complete": True, "uncompiled": 1, "without": 0, "seconds": 60,
            "suites": {}, "mutants": list(mutants), **fields}


def result(name, verdict, how="T.t", seconds=1):
    return {"id": name, "name": "", "file": "engine/x.cpp", "line": 3, "kind": "sign", "original": "a || -b",
            "mutated": "a || b", "after": "", "verdict": verdict, "by": "engine", "how": how,
            "seconds": seconds}


def many(count):
    return [result(f"m{number}", "killed") for number in range(count)]


def folder_for(test):
    return Path(test.enterContext(tempfile.TemporaryDirectory()))


class Report(unittest.TestCase):
    def test_shards_add_up(self):
        run = report.merge([run_of(2, result("q", "survived")), run_of(1, result("p", "killed"))])
        self.assertEqual((run["uncompiled"], len(run["mutants"])), (2, 2))
        self.assertIn("1 of 2 killed", report.summary(run))
        self.assertIn("engine/x.cpp:3", report.summary(run))
        self.assertIn("## Survivors", report.page(run))

    def test_missing_doubled_or_foreign_shards_are_refused(self):
        for runs in ([run_of(1)], [run_of(1), run_of(1)],
                     [run_of(1), {**run_of(2), "seed": 2}],
                     [run_of(1), {**run_of(2), "complete": False}],
                     [run_of(1, commit="abc with changes"), run_of(2, commit="abc with changes")]):
            with self.assertRaises(ValueError):
                report.merge(runs)

    def test_survivors_tried_again_take_the_place_of_the_old_ones(self):
        whole = report.merge([run_of(1, result("p", "killed")),
                              run_of(2, result("q", "survived"), result("r", "survived"))])
        later = {**run_of(1, result("q", "killed"), result("r", "equivalent")), "commit": "later"}
        run = report.tried_again(whole, later)
        self.assertEqual([(r["id"], r["verdict"]) for r in run["mutants"]],
                         [("p", "killed"), ("q", "killed"), ("r", "equivalent")])
        self.assertIn("2 of 2 killed", report.summary(run))
        self.assertIn("2 that had survived were tried again at commit later", report.page(run))
        self.assertIn("1 killed, 1 equivalent", report.page(run))

    def test_a_run_comes_back_from_its_file(self):
        path = folder_for(self) / "run.json"
        run = run_of(1, result("p", "killed"))
        report.write_json(path, run)
        self.assertEqual(report.read_json(path), run)

    def test_any_other_file_is_refused_by_name(self):
        path = folder_for(self) / "other.json"
        foreign = '{"format": "gradbook.fuzz", "version": 2, "shard": {"number": 1, "of": 1}}'
        spoilt = [(report.json.dumps({**run_of(1), field: value}), f"'{field}' is not as")
                  for field, value in (("shard", [1]), ("seed", "1"), ("sample", "8"),
                                       ("mutants", [{"id": "p"}]),
                                   ("mutants", [{**result("p", "killed"), "seconds": "1"}]))]
        for text, said in (("[1]", "expected a result of tests/mutation/run --json"),
                           ("{", "expected a result of tests/mutation/run --json"),
                           (foreign, "expected a result of tests/mutation/run --json"),
                           *spoilt):
            path.write_text(text, encoding="utf-8")
            with self.assertRaises(ValueError) as refused:
                report.read_json(path)
            self.assertTrue(str(refused.exception).startswith(f"{path}: {said}"), refused.exception)
            self.assertNotIn("\n", str(refused.exception))

    def test_says_how_long_a_kill_took_and_that_survivors_take_longer(self):
        killed = [result(str(seconds), "killed", seconds=seconds) for seconds in (3, 5.5, 61, 2)]
        run = run_of(1, *killed, result("q", "survived", seconds=500))
        for text in (report.summary(run), report.page(run)):
            self.assertIn("took 4.2 s in the median and 61 s at most, compiling included, and 1 of 4 took "
                          "more than a minute; a survivor has to go through every suite", text)
        self.assertIn("A survivor has to", report.summary(run_of(1, result("q", "survived"))))

    def test_counts_the_ways_in_which_mutants_were_killed(self):
        hows = {"a failed test": ["T.t", "SIGNS.t"], "a crash or abort": ["SIGSEGV in T.t", "SIGABRT"],
                "a time limit": ["time limit in T.t", "time limit"]}
        fuzz = {"a crash or abort": ["ended by signal 11 (Segmentation fault)", "exited with status 70"],
                "a time limit": ["did not end within 120 s", "ended by signal 24 (CPU time limit exceeded)"],
                "a disagreement with LibTorch in the fuzz": ["line 3, mul: its shape is [2], not [3]"]}
        cases = [(how, way) for way in hows for how in hows[way]]
        cases += [(f"program 12: {found}", way) for way in fuzz for found in fuzz[way]]
        cases += [("exit 1", "an exit status that says no more")]  # the fuzz in older files
        for how, way in cases:
            self.assertEqual(report.way_of(how), way, how)
        run = run_of(1, *(result(how, "killed", how) for how, _ in cases), result("q", "survived", ""))
        for text in (report.summary(run), report.page(run)):
            self.assertIn("illed by a failed test: 2, an exit status that says no more: 1, a disagreement "
                          "with LibTorch in the fuzz: 1, a crash or abort: 4, a time limit: 4", text)

    def test_the_page_states_the_setting(self):
        for word in ("-O0", "_GLIBCXX_ASSERTIONS", "MALLOC_PERTURB_", "4 GiB", "60 s"):
            self.assertIn(word, report.page(run_of(1)))

    def test_shards_are_not_taken_for_workers(self):
        self.assertIn("in 2 shards, added up", report.page(report.merge([run_of(1), run_of(2)])))
        self.assertIn("with 2 workers", report.page(run_of(1)))
        self.assertIn("with 1 worker\n", report.page(run_of(1, jobs=1)))


class Publishing(unittest.TestCase):
    """By the command line, into a checkout that is not ours, and without any building or testing."""

    def setUp(self):
        self.folder = folder_for(self)
        self.page = self.folder / report.RESULTS
        self.page.parent.mkdir(parents=True)
        self.enterContext(mock.patch("main.ROOT", self.folder))
        for part in ("engine_sources", "Equivalents", "SoundBuild"):
            self.enterContext(mock.patch(f"main.{part}"))
        self.enterContext(mock.patch("main.select", return_value=([], [])))
        self.enterContext(mock.patch("main.Runner")).return_value.sound_seconds = {}
        self.campaign = self.enterContext(mock.patch("main.Campaign")).return_value
        self.campaign.uncompiled, self.campaign.without, self.campaign.results = 0, 0, many(FULL)

    def main(self, *words):
        """Exit status, and what was said on both streams."""
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
            try:
                status = main(words)
            except SystemExit as end:
                status = end.code
        return status, said.getvalue()

    def file(self, run, name="run.json"):
        report.write_json(self.folder / name, run)
        return str(self.folder / name)

    def merge(self, *runs):
        return self.main("--merge", *(self.file(run, f"{number}.json") for number, run in enumerate(runs)))

    def test_only_a_run_over_everything_is_published(self):
        for words, is_written in ((["--sample", "8"], False), (["--only", "p"], False),
                                  (["--shard", "1/2"], False), ([], True)):
            status, _ = self.main(*words, "--json", str(self.folder / "run.json"))
            self.assertEqual((status, self.page.exists()), (0, is_written), words)

    def test_classics_and_equivalents_do_not_make_a_run_full(self):
        short = many(FULL - 1)
        for more, is_written in (([], False), ([{**result("c", "killed"), "kind": "classic"}], False),
                                 ([result("e", "equivalent")], False), ([result("s", "survived")], True)):
            self.campaign.results = [*short, *more]
            self.main("--json", str(self.folder / "run.json"))
            self.assertEqual(self.page.exists(), is_written, more)

    def test_a_run_says_in_its_file_what_it_left_out(self):
        name = str(self.folder / "run.json")
        for words, option in ((["--sample", "8"], "--sample 8"), (["--only", "p"], "--only"), ([], "")):
            self.main(*words, "--json", name)
            self.assertEqual(report.narrowed_by(report.read_json(name)), option)

    def test_without_git_the_commit_is_unknown(self):
        name = str(self.folder / "run.json")
        with mock.patch.dict("os.environ", {"PATH": str(self.folder)}):
            self.assertEqual(self.main("--count", "0", "--json", name)[0], 0)
        self.assertEqual(report.read_json(name)["commit"], "unknown")

    def test_survivors_tried_again_publish_what_was_whole_before(self):
        for fields, is_written in (({"sample": 8}, False), ({}, True)):
            name = self.file(run_of(1, *many(FULL), result("p", "survived"), of=1, **fields))
            self.main("--again", name)
            self.assertEqual(self.page.exists(), is_written, fields)

    def test_shards_write_the_page_when_together_they_tried_enough(self):
        for count, is_written in ((FULL - 1, False), (FULL, True)):
            status, said = self.merge(run_of(1, *many(count)[:50]), run_of(2, *many(count)[50:]))
            self.assertEqual((status, self.page.exists()), (0, is_written))
            self.assertIn(f"{count} of {count} killed", said)
            self.assertIn("Written: " if is_written else f"which is for runs over {FULL} mechanical", said)

    def test_what_tried_only_some_mutants_is_refused(self):
        again = [{"date": "2020-01-03", "commit": "abc", "tried": 0, "killed": 0, "equivalent": 0}]
        for fields, option in (({"sample": 8}, "--sample 8"), ({"only": ["p"]}, "--only"),
                               ({"again": again}, "--again")):
            status, said = self.merge(run_of(1, *many(FULL), of=1, **fields))
            self.assertEqual(status, 2, option)
            self.assertRegex(said, rf"^tests/mutation/run: --merge: shard 1 was run with {option}; .*\n$")
            self.assertFalse(self.page.exists(), option)

    def test_what_tried_all_says_so_in_its_fields(self):
        self.assertEqual(self.merge(run_of(1, *many(FULL), of=1, sample=None, only=None))[0], 0)
        self.assertTrue(self.page.exists())


class TimeLimit(unittest.TestCase):
    def test_what_is_only_slow_gets_twice_the_time_before_it_counts(self):
        folder = folder_for(self)
        runner = Runner(SimpleNamespace(folder=folder, programs=folder))
        runner.sound_seconds["engine"] = -0.8  # a limit of 0.6 s, of which the system makes whole ones
        for script, failed in (("[ -e tried ] || { touch tried; kill -XCPU $$; }", False), ("kill -XCPU $$", True)):
            program = folder / "engine_tests"
            program.write_text(f"#!/bin/sh\ncd {folder}\n{script}\n", encoding="utf-8")
            program.chmod(0o755)
            workshop = Workshop(runner.sound, 1)
            workshop.clean()
            outcome = runner.run(SUITES[0], workshop)
            self.assertEqual((outcome.failed, outcome.how), (failed, "time limit" if failed else ""))


class Fuzz(unittest.TestCase):
    """A program in its place that says what the fuzz would."""

    def outcome(self, script):
        folder = folder_for(self)
        runner = Runner(SimpleNamespace(folder=folder, programs=folder))
        runner.sound_seconds["fuzz"] = 1
        program = folder / "fuzz"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        workshop = Workshop(runner.sound, 1)
        workshop.clean()
        return runner.run(self.suite(), workshop)

    def suite(self):
        return next(suite for suite in SUITES if suite.name == "fuzz")

    def test_a_disagreement_is_named(self):
        found = "program 12: line 3, mul: its shape is [2], in LibTorch [3]"
        outcome = self.outcome(f"echo; echo '{found}'; echo 'program 13: more'; exit 1")
        self.assertEqual((outcome.failed, outcome.how), (True, found))

    def test_a_crash_counts_but_an_exit_without_a_disagreement_does_not(self):
        crash = self.outcome("kill -SEGV $$")
        self.assertEqual((crash.failed, crash.how), (True, "SIGSEGV"))
        broken = "echo '999 programs: no disagreement; a condition does not hold'; exit 1"
        self.assertFalse(self.outcome(broken).failed)
        self.assertFalse(self.outcome("exit 0").failed)

    def test_runs_fewer_programs_than_it_judges_shares_of(self):
        source = (ROOT / "tests/fuzz/report.cpp").read_text(encoding="utf-8")
        least = int(re.search(r"shares_judged_from = ([\d']+);", source)[1].replace("'", ""))
        arguments = self.suite().arguments
        self.assertLess(int(arguments[arguments.index("--programs") + 1]), least)


if __name__ == "__main__":
    unittest.main()
