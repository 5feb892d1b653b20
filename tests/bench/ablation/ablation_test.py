"""Tests of tests/bench/without itself: that its list knows the engine's text, that copies change only where
they must, and what is made of the times. Without a compiler: `python3 -m unittest` in this folder."""

import contextlib
import io
import json
import math
import re
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import copies
from ablation import HERE, ROOT, main
from copies import BuildError, Copy, Edit, StaleEdit, edited, only_one, read_ideas
from figures import Round, as_markdown, as_text, duration, figures, mean_figures, rounds_by_row, table


class Ideas(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.entries = json.loads((HERE / "ideas.json").read_text(encoding="utf-8"))
        cls.ideas = read_ideas(HERE / "ideas.json")

    def test_names_are_unique_and_can_name_a_folder(self):
        self.assertEqual(len(self.ideas), len(self.entries))
        for name in self.ideas:
            self.assertRegex(name, r"^[a-z][a-z-]*$")
            self.assertNotEqual(name, "sound")

    def test_every_edit_is_in_its_file_exactly_once_and_changes_it(self):
        for idea in self.ideas.values():
            self.assertTrue(idea.edits, idea.name)
            for edit in idea.edits:
                text = (ROOT / edit.file).read_text(encoding="utf-8")
                self.assertEqual(text.count(edit.original), 1, f"{idea.name}: {edit.original}")
                self.assertNotEqual(edit.original, edit.replacement, idea.name)

    def test_the_edits_of_an_idea_can_be_made_together(self):
        for idea in self.ideas.values():
            for path in {edit.file for edit in idea.edits}:
                text = (ROOT / path).read_text(encoding="utf-8")
                self.assertNotEqual(edited(path, text, idea.edits), text)

    def test_rows_are_regular_expressions_and_what_is_a_sentence(self):
        for idea in self.ideas.values():
            re.compile(idea.rows)
            self.assertRegex(idea.what, r"; without, .*\.\)?$", idea.name)


class Edits(unittest.TestCase):
    def test_only_those_of_the_file_are_made(self):
        edits = (Edit("a", "x", "y"), Edit("b", "y", "z"))
        self.assertEqual(edited("a", "1 x", edits), "1 y")

    def test_a_text_that_is_not_there_exactly_once_is_an_error(self):
        for text in ("", "x x"):
            with self.assertRaises(StaleEdit):
                edited("a", text, (Edit("a", "x", "y"),))


class Copies(unittest.TestCase):
    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.root / "engine").mkdir()
        for name in ("engine/a", "engine/b"):
            (self.root / name).write_text("one", encoding="utf-8")
        self.files = {"engine/a", "engine/b"}
        self.enterContext(mock.patch.object(copies, "tree_files", lambda root: self.files))
        self.copy = Copy(self.root, "idea", (Edit("engine/a", "one", "two"),))
        self.copy.update()

    def text(self, name):
        return (self.copy.folder / name).read_text(encoding="utf-8")

    def test_edits_are_in_the_copy_alone(self):
        self.assertEqual((self.text("engine/a"), self.text("engine/b")), ("two", "one"))
        self.assertEqual((self.root / "engine/a").read_text(encoding="utf-8"), "one")

    def test_what_did_not_change_is_not_written_again(self):
        def times():
            return {path.name: path.stat().st_mtime_ns for path in (self.copy.folder / "engine").iterdir()}
        before = times()
        self.copy.update()
        self.assertEqual(times(), before)
        (self.root / "engine/b").write_text("three", encoding="utf-8")
        self.copy.update()
        self.assertEqual((self.text("engine/b"), times()["a"]), ("three", before["a"]))

    def test_what_is_gone_goes_but_what_was_built_stays(self):
        (self.copy.folder / "build/release").mkdir(parents=True)
        (self.copy.folder / "build/release/bench").touch()
        self.files = {"engine/a"}
        self.copy.update()
        self.assertFalse((self.copy.folder / "engine/b").exists())
        self.assertTrue((self.copy.folder / "build/release/bench").exists())

    def test_a_second_run_is_refused(self):
        with only_one(self.root), self.assertRaises(BuildError), only_one(self.root):
            pass


class Figures(unittest.TestCase):
    def test_the_ratio_is_the_median_of_the_rounds(self):
        row = figures([Round(1, 2, 1), Round(2, 4.4, 2), Round(1, 9, 1)])
        self.assertAlmostEqual(row.ratio, 2.2)
        self.assertEqual((row.with_idea, row.without, row.sound, row.noise), (1, 4.4, 1, 0))
        self.assertTrue(row.measurable)

    def test_a_steady_drift_cancels_out(self):
        self.assertAlmostEqual(figures([Round(1, 1.1, 1.21)]).ratio, 1)

    def test_noise_is_the_largest_difference_whichever_way(self):
        self.assertAlmostEqual(figures([Round(1, 1, 1), Round(1.25, 1, 1), Round(1, 1, 1.1)]).noise, 0.25)

    def test_a_change_within_the_noise_is_not_measurable(self):
        self.assertFalse(figures([Round(1, 1.2, 1), Round(1, 1.2, 1.5)]).measurable)
        self.assertFalse(figures([Round(1, 1, 1)]).measurable)
        self.assertTrue(figures([Round(1, 0.5, 1), Round(1, 0.5, 1.1)]).measurable)

    def test_a_change_that_is_not_there_in_every_round_is_not_measurable(self):
        self.assertFalse(figures([Round(1, 1.2, 1), Round(1, 1.2, 1), Round(1, 0.99, 1)]).measurable)

    def test_the_mean_of_rows_is_geometric_and_its_noise_that_of_the_mean(self):
        rows = [[Round(1, 2, 1.1)], [Round(1, 8, 1 / 1.1)]]
        mean = mean_figures(rows)
        self.assertAlmostEqual(mean.ratio, 4)
        self.assertAlmostEqual(mean.noise, 0)
        self.assertAlmostEqual(figures(rows[0]).ratio, 2 / math.sqrt(1.1))

    def test_reports_become_rounds(self):
        def report(seconds, slowness):
            return {"rows": [{"name": "r", "unit": "run", "ratio": seconds / 10, "libtorch_seconds": 10 * slowness},
                             {"name": "v", "unit": "node", "ratio": seconds / 50, "libtorch_seconds": 100 * slowness}],
                    "chains": [{"name": "v", "cold_seconds": 3 * seconds, "warm_seconds": 4 * seconds}]}
        # The machine became three times slower for the last one, and LibTorch with it.
        rounds = rounds_by_row([[report(1, 1), report(2, 1), report(3, 3)]])
        self.assertEqual(rounds, {
            "r": [Round(1, 2, 3)], "v (per node)": [Round(2, 4, 6)],
            "v, own process, first run": [Round(3, 6, 9)], "v, own process, later": [Round(4, 8, 12)]})

    def test_durations_have_three_digits(self):
        self.assertEqual([duration(s) for s in (1.234e-9, 99.96e-9, 0.99999e-6, 2.5e-3, 12)],
                         ["1.23 ns", "100 ns", "1.00 µs", "2.50 ms", "12.0 s"])

    def test_tables(self):
        row = figures([Round(1e-6, 2e-6, 1e-6)])
        lines = table({"add": row}, figures([Round(1, 1, 1)]))
        self.assertEqual(lines[0], ("add", "1.00 µs", "2.00 µs", "2.000", "1.000", "0.0 %", "100.0 % slower without"))
        self.assertEqual(lines[1][-1], "not measurable")
        self.assertEqual(len({len(line.split(" | ")) for line in as_markdown(lines).split("\n")}), 1)
        self.assertEqual(len(as_text(lines).split("\n")), 4)


class CommandLine(unittest.TestCase):
    def test_wrong_usage_ends_with_2_and_one_line(self):
        for words in (["nonsense"], ["pool", "nonsense"], [], ["--all", "pool"], ["pool", "--rounds", "0"],
                      ["pool", "--rounds", "x"], ["pool", "--rows", "("], ["--nonsense"],
                      ["pool", "--json", "/no/such/folder/file"]):
            with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit) as end:
                main(words)
            self.assertEqual(end.exception.code, 2, words)
            self.assertRegex(said.getvalue(), r"^tests/bench/without: .*\n$", words)

    def test_the_list_names_every_idea(self):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.assertEqual(main(["--list"]), 0)
        names = [line for line in said.getvalue().splitlines() if not line.startswith(" ")]
        self.assertEqual(names, list(read_ideas(HERE / "ideas.json")))


if __name__ == "__main__":
    unittest.main()
