"""Tests of the mutation run itself: what it changes, what it leaves alone, and that it chooses the same
again. Without a compiler: `python3 -m unittest` in this folder."""

import contextlib
import io
import unittest
from pathlib import Path

import report
from build import link_command
from choose import Equivalents, StaleEntry, choose, engine_sources, read_classics, sample
from main import HERE, ROOT, main
from mutants import all_mutants
from source import Source

PROGRAM = """\
#include "engine/a.hpp"
#define ONE 1
namespace n {
// Comment: a + b.
struct S {
  int size() const { return 1; }
  virtual int none() const = 0;
  int count = 3;  ///< 2 of them
};
template <class T, int N = 2>
T f(const T& a, const T& b) {
  static_assert(sizeof(a) == 4, "1 == 1");
  std::array<T, 2> pair{};
  /* a + b */ T sum = a + b;
  if (a < b && b != 0) {
    throw Error(g("less " + std::to_string(1), a, b));
  }
  for (int i = 0; i < N; ++i) sum -= pair[i];
  call(a, -b);
  const char* text = R"(a + b)";
  return sum > 0 ? '+' : sum;
}
}  // namespace n
"""


def mutants_of(text):
    return all_mutants(Source("engine/made_up.cpp", text))


def body(statements):
    return "void f() {\n" + statements + "\n}\n"


def changes_of(statements):
    return {" ".join(m.mutated.split()) for m in mutants_of(body(statements))}


class Mutants(unittest.TestCase):
    def test_comments_strings_includes_and_assertions_are_never_touched(self):
        source = Source("engine/made_up.cpp", PROGRAM)
        quiet = ["#include", "#define", "// Comment", "static_assert", 'R"(', "/* a + b */", "///<", "'+'",
                 '"less "']
        for mutant in all_mutants(source):
            changed = mutant.apply(PROGRAM)
            for text in quiet:
                if text == '"less "' and mutant.kind == "statement":
                    continue  # the whole throw goes
                self.assertIn(text, changed, mutant)
        self.assertNotIn(12, {m.line for m in all_mutants(source)})  # the static_assert

    def test_declarations_and_arguments_of_templates_are_left_alone(self):
        self.assertFalse([m for m in mutants_of(PROGRAM) if m.line in (3, 5, 7, 10, 11, 13)])

    def test_what_an_error_says_is_left_alone_but_the_throw_can_go(self):
        kinds = {m.kind for m in mutants_of(PROGRAM) if m.line == 16}
        self.assertEqual(kinds, {"statement"})

    def test_operators(self):
        self.assertEqual(changes_of("x = a + b;") & {"x = a - b;"}, {"x = a - b;"})
        self.assertLessEqual({"x = p <= q;", "x = p > q;"}, changes_of("x = p < q;"))
        self.assertLessEqual({"x = p != q;"}, changes_of("x = p == q;"))
        self.assertLessEqual({"x = p || q;"}, changes_of("x = p && q;"))
        self.assertLessEqual({"x -= p;", "x = p;", ";"}, changes_of("x += p;"))
        self.assertLessEqual({"--x;", ";"}, changes_of("++x;"))

    def test_angle_brackets_stars_and_ampersands_of_types_are_no_operators(self):
        self.assertEqual(changes_of("std::vector<T> v = w;"), set())
        self.assertEqual(changes_of("T* p = q;"), set())
        self.assertEqual(changes_of("T&& p = q;"), set())

    def test_signs_and_constants(self):
        self.assertLessEqual({"x = p;"}, changes_of("x = -p;"))
        self.assertLessEqual({"x = 1;"}, changes_of("x = 0;"))
        self.assertLessEqual({"x = 0U;", "x = 2U;"}, changes_of("x = 1U;"))
        self.assertLessEqual({"x = 1.0F;"}, changes_of("x = 0.5F;"))
        self.assertLessEqual({"x = 0x80;"}, changes_of("x = 0x7f;"))
        self.assertLessEqual({"x = false;"}, changes_of("x = true;"))

    def test_conditions(self):
        self.assertLessEqual({"if (!(p)) {", "if (true) {", "if (false) {"}, changes_of("if (p) {\n  q();\n}"))
        self.assertLessEqual({"if (T* p = q(); false) r();"}, changes_of("if (T* p = q()) r();"))
        self.assertLessEqual({"for (int i = 0; false; ++i) q();"}, changes_of("for (int i = 0; i < n; ++i) q();"))
        self.assertLessEqual({"x = !(p) ? q : r;"}, changes_of("x = p ? q : r;"))

    def test_dropping_the_only_statement_of_an_if_is_not_tried_twice(self):
        self.assertLessEqual({"if (p) ;"}, changes_of("if (p) return;"))
        self.assertNotIn("if (false) return;", changes_of("if (p) return;"))

    def test_statements(self):
        for statement in ("continue;", "break;", "q(p);", "x = p;", "o.p[1] = q;", "const Guard guard(false);"):
            self.assertIn(";", changes_of(statement), statement)
        for statement in ("T x = p;", "const T x(1); q(x);", "T<U>& x = p;"):
            self.assertFalse({"; q(x);", ";"} & changes_of(statement), statement)

    def test_arguments_indices_and_counterparts(self):
        self.assertLessEqual({"q(r, p);"}, changes_of("q(p, r);"))
        for statement in ("std::max(p, r);", 'q("p", r);', "q([] { p(); }, r);"):
            self.assertNotIn("arguments", {m.kind for m in mutants_of(body(statement))})
        self.assertLessEqual({"x[k] = y[k];", "x[i] = y[i];"}, changes_of("x[i] = y[k];"))
        self.assertLessEqual({"x = a + a;", "x = b + b;"}, changes_of("x = a + b;"))

    def test_knows_in_which_function_a_fault_lies(self):
        text = "struct S {\n  S() : x(1) { x = 1; }\n  ~S() { x = 1; }\n  int x = 1;\n" \
               "  bool operator==(S s) const { return x == 1; }\n};\n" \
               "template <class T>\ndecltype(auto) f(T t) {\n  return [&] { t = 1; };\n}\n"
        mutants = {(m.line, m.function, m.shared) for m in mutants_of(text)}
        self.assertEqual(mutants, {(2, "S(", False), (2, "", True), (3, "S(", False), (4, "", True),
                                   (5, "operator==", False), (9, "f", False)})

    def test_no_fault_is_made_twice(self):
        mutants = mutants_of(PROGRAM)
        self.assertEqual(len({m.apply(PROGRAM) for m in mutants}), len(mutants))

    def test_a_mutant_keeps_its_id_when_lines_move(self):
        before = {m.id for m in mutants_of(body("q();\nx = a + b;"))}
        after = {m.id for m in mutants_of("\n\n// More.\n" + body("q();\nx = a + b;"))}
        self.assertEqual(before, after)


class TheEngine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sources = engine_sources(ROOT)

    def test_a_known_mutant_is_generated(self):
        found = [m for s in self.sources for m in all_mutants(s) if m.file == "engine/storage.hpp"]
        self.assertIn((";", "statement"), {(m.mutated, m.kind) for m in found if "++storage_->version" in m.original})

    def test_the_choice_is_the_same_for_the_same_seed(self):
        self.assertEqual(choose(self.sources, 50, 7), choose(self.sources, 50, 7))
        self.assertNotEqual(choose(self.sources, 50, 7), choose(self.sources, 50, 8))

    def test_the_choice_is_spread_over_the_files(self):
        slots = choose(self.sources, 220, 1)
        self.assertEqual(len(slots), 220)
        lines = {s.path: len({m.line for m in all_mutants(s)}) for s in self.sources}
        total = sum(lines.values())
        for path, count in lines.items():
            chosen = [slot for slot in slots if slot.candidates[0].file == path]
            self.assertLess(abs(len(chosen) - 220 * count / total), 1, path)
            self.assertEqual(len({slot.candidates[0].line for slot in chosen}), len(chosen), path)

    def test_no_candidate_is_in_two_slots(self):
        ids = [m.id for slot in choose(self.sources, 220, 1) for m in slot.candidates]
        self.assertEqual(len(set(ids)), len(ids))

    def test_shards_cover_everything_once(self):
        everything = listed("--count", "40")
        parts = [line for i in (1, 2, 3) for line in listed("--count", "40", "--shard", f"{i}/3")]
        self.assertEqual(sorted(everything), sorted(parts))

    def test_every_classic_fault_is_in_the_engine_once(self):
        classics = read_classics(HERE / "classic.json", self.sources)
        self.assertGreaterEqual(len(classics), 24)
        self.assertEqual(len({c.name for c in classics}), len(classics))
        for classic in classics:
            self.assertNotEqual(classic.original, classic.mutated, classic.name)

    def test_every_known_equivalent_is_a_mutant_of_the_engine(self):
        Equivalents(HERE / "equivalent.json").check(self.sources)

    def test_a_sample_has_both_sorts(self):
        classics, slots = sample(read_classics(HERE / "classic.json", self.sources),
                                 choose(self.sources, 220, 1), 8, 1)
        self.assertEqual((len(classics), len(slots)), (4, 4))


class Lists(unittest.TestCase):
    def setUp(self):
        self.source = Source("engine/made_up.cpp", body("x = a + b;\nx = a + b;"))
        self.file = Path(self.enterContext(temporary_folder())) / "list.json"

    def write(self, **entry):
        self.file.write_text(report.json.dumps([{"file": "engine/made_up.cpp", **entry}]), encoding="utf-8")

    def test_an_equivalent_is_known_by_its_text_not_by_its_line(self):
        self.write(original="x = a + b;", mutated="x = a - b;", why="because")
        equivalents = Equivalents(self.file)
        equivalents.check([self.source])
        reasons = [equivalents.reason(m) for m in all_mutants(self.source) if m.mutated == "x = a - b;"]
        self.assertEqual(reasons, ["because", "because"])
        other = next(m for m in all_mutants(self.source) if m.mutated != "x = a - b;")
        self.assertIsNone(equivalents.reason(other))

    def test_an_equivalent_can_name_the_line_before_it(self):
        self.write(original="x = a + b;", mutated="x = a - b;", after="x = a + b;", why="because")
        equivalents = Equivalents(self.file)
        lines = [m.line for m in all_mutants(self.source) if equivalents.reason(m)]
        self.assertEqual(lines, [3])

    def test_a_stale_equivalent_is_an_error(self):
        self.write(original="y = a + b;", mutated="y = a - b;", why="because")
        with self.assertRaises(StaleEntry):
            Equivalents(self.file).check([self.source])

    def test_a_classic_whose_text_is_not_there_exactly_once_is_an_error(self):
        for text in ("y = 1;", "x = a + b;"):
            self.write(name="made up", original=text, replacement=";")
            with self.assertRaises(StaleEntry):
                read_classics(self.file, [self.source])


class Link(unittest.TestCase):
    # What the mutant changed in a header stood behind the sound copies, and had no effect.
    def test_what_is_compiled_anew_comes_before_all_other_objects(self):
        link = ["c++", "-O0", "a.o", "b.o", "main.o", "-o", "tests", "libx.so"]
        self.assertEqual(link_command(link, "here/tests", {"a.o": "sound/a.o", "b.o": "sound/b.o"}, {"b.o": "new/b.o"}),
                         ["c++", "new/b.o", "-O0", "sound/a.o", "main.o", "-o", "here/tests", "libx.so"])


class CommandLine(unittest.TestCase):
    def test_wrong_usage_ends_with_2(self):
        for words in (["--count", "-1"], ["--count", "x"], ["--jobs", "0"], ["--shard", "3/2"], ["--shard", "x"],
                      ["--nonsense"], ["--only", "zzzz"], ["--merge", "/no/such/file"],
                      ["--again", "/no/such/file"]):
            with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit) as end:
                main(words)
            self.assertEqual(end.exception.code, 2, words)
            self.assertRegex(said.getvalue(), r"^tests/mutation/run: .*\n$", words)


def listed(*words):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        main([*words, "--list"])
    return [line for line in said.getvalue().splitlines() if not line.startswith(" ")]


def temporary_folder():
    import tempfile
    return tempfile.TemporaryDirectory()


if __name__ == "__main__":
    unittest.main()
