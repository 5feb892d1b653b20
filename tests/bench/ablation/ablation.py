"""The command line of tests/bench/without."""

import argparse
import datetime
import json
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import figures
from copies import BuildError, Copy, StaleEdit, only_one, read_ideas

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
NAME = "tests/bench/without"

DESCRIPTION = """\
Measures what an idea behind the engine's speed buys: builds the engine without it, and lets both run the
benchmark in turn, sound, without, sound, for several rounds.
"""
EPILOG = """\
examples:
  tests/bench/without --list                       the ideas, and what takes their place
  tests/bench/without pool                         one idea, on the rows where it shows
  tests/bench/without pool small-gemm --rows step  two, on the rows of training steps
  tests/bench/without --all --json now.json        all of them: hours the first time

The checkout is not touched: each idea has a copy in build/ablation, which is built whole the first time and
then only where something changed. Nothing else should run on the machine meanwhile. tests/bench/README.md
says how to read the table. Ctrl-C ends with the rounds so far.
Exit status: 0 when everything was measured; 1 when a copy cannot be built or its benchmark fails; 2 on
wrong usage, also when an idea's text is no longer in the engine; 130 after Ctrl-C.
"""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def parse(arguments, ideas):
    """The options, and the ideas that they name."""
    parser = Parser(prog=NAME, description=DESCRIPTION, epilog=EPILOG,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ideas", nargs="*", metavar="IDEA", help="by the name that --list gives")
    parser.add_argument("--all", action="store_true", help="every idea")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often everything is measured (5)")
    parser.add_argument("--rows", metavar="REGEX", help="these rows of the benchmark instead of each idea's own")
    parser.add_argument("--json", metavar="FILE", help="write the times of all rounds there as well")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--list", action="store_true", help="print the ideas, build nothing")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds: expected a number of at least 1")
    if options.all and options.ideas:
        parser.error("expected either names or --all, not both")
    for name in options.ideas:
        if name not in ideas:
            parser.error(f"there is no idea '{name}'; --list names them")
    if not (options.all or options.ideas or options.list):
        parser.error("expected the name of an idea, --all or --list")
    if options.rows is not None:
        try:
            re.compile(options.rows)
        except re.error as error:
            parser.error(f"--rows: expected a regular expression: {error}")
    if options.json:
        try:  # before hours of measuring; nothing old is lost until there is something new
            with open(options.json, "a", encoding="utf-8"):
                pass
        except OSError as error:
            parser.error(f"--json: cannot write '{options.json}': {error.strerror}")
    return options, [ideas[name] for name in dict.fromkeys(options.ideas)] or list(ideas.values())


def say(text):
    print(text, file=sys.stderr, flush=True)


def commit():
    described = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True, capture_output=True,
                               check=False)
    return described.stdout.strip() or "unknown"


class Measured:
    """One idea, and the benchmark's reports of each round: before, without, after."""

    def __init__(self, idea):
        self.idea = idea
        self.triples = []

    def run(self, sound, without, rows, rounds):
        for number in range(1, rounds + 1):
            say(f"{self.idea.name}: round {number} of {rounds} ...")
            self.triples.append([copy.measure(rows, self.idea.threads) for copy in (sound, without, sound)])

    def figures(self):
        rounds = figures.rounds_by_row(self.triples)
        rows = {name: figures.figures(of_row) for name, of_row in rounds.items()}
        return rounds, rows, figures.mean_figures(rounds.values())

    def page(self, render):
        _, rows, mean = self.figures()
        share = min(figures.least_share(report) for triple in self.triples for report in triple)
        busy = "" if share > 0.95 else ("\nThe machine was busy with other things: a row got only "
                                        f"{100 * share:.0f} % of a core.")
        return f"{self.idea.name}: {self.idea.what}{busy}\n\n{render(figures.table(rows, mean))}\n"

    def as_json(self):
        def fields(row):
            return {"with_seconds": row.with_idea, "without_seconds": row.without, "ratio": row.ratio,
                    "sound_ratio": row.sound, "noise": row.noise, "measurable": row.measurable}
        rounds, rows, mean = self.figures()
        return {"name": self.idea.name, "what": self.idea.what, "threads": self.idea.threads,
                "rows": [{"name": name, **fields(row), "rounds": [asdict(r) for r in rounds[name]]}
                         for name, row in rows.items()],
                "geometric_mean": fields(mean)}


def write_json(path, options, done):
    whole = {"program": "gradbook without", "schema": 1, "date": datetime.date.today().isoformat(),
             "commit": commit(), "rounds": options.rounds, "facts": done[0].triples[0][0]["facts"],
             "ideas": [measured.as_json() for measured in done]}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(whole, file, indent=1, ensure_ascii=False)
        file.write("\n")


def make(copies):
    """All of them before anything is measured: compilers warm the machine up, and a mistake shows early."""
    for copy in copies:
        copy.update()
    for copy in copies:
        copy.build()


def main(arguments):
    ideas = read_ideas(HERE / "ideas.json")
    options, chosen = parse(arguments, ideas)
    if options.list:
        for idea in chosen:
            print(f"{idea.name}\n  {idea.what}\n  rows {options.rows or idea.rows}")
        return 0
    render = figures.as_markdown if options.markdown else figures.as_text
    sound = Copy(ROOT, "sound")
    copies = [Copy(ROOT, idea.name, idea.edits) for idea in chosen]
    done = []
    status = 0
    try:
        with only_one(ROOT / "build/ablation"):
            make([sound, *copies])
            if options.rows and not sound.has_rows(options.rows):
                say(f"{NAME}: --rows matches no row; tests/bench/run --list names them")
                return 2
            for idea, copy in zip(chosen, copies):
                done.append(Measured(idea))
                done[-1].run(sound, copy, options.rows or idea.rows, options.rounds)
                print(done[-1].page(render), flush=True)
    except StaleEdit as error:
        say(f"{NAME}: {error}")
        return 2
    except BuildError as error:
        say(f"{NAME}: {error}")
        status = 1
    except KeyboardInterrupt:
        status = 130
        if done and len(done[-1].triples) < options.rounds and done[-1].triples:
            print(done[-1].page(render), flush=True)
        say(f"{NAME}: stopped")
    done = [measured for measured in done if measured.triples]
    try:
        if options.json and done:
            write_json(options.json, options, done)
    except OSError as error:
        say(f"{NAME}: --json: cannot write all of '{options.json}': {error.strerror}")
        return status or 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
