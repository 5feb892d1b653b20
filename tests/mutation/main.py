"""The command line of tests/mutation/run."""

import argparse
import datetime
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import report
from build import BuildError, SoundBuild
from campaign import Campaign
from choose import Equivalents, StaleEntry, choose, engine_sources, read_classics, sample
from mutants import all_mutants
from suites import Runner

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FULL = 200  # a run that tried at least so many mechanical mutants is kept in the repository

DESCRIPTION = """\
Puts small faults into the engine, one at a time, and checks that the test suite notices each.

Two sorts of faults: mechanical ones, chosen by a seed from all lines of engine/ (operators, signs,
constants, conditions, dropped statements, exchanged arguments), and the written list of classic ones in
classic.json. A mutant that does not compile does not count; the next candidate takes its place. Those in
equivalent.json change nothing that anybody could see, and say why.
"""
EPILOG = """\
examples:
  tests/mutation/run                             the full run, about an hour on 2 cores; writes results.md
  tests/mutation/run --sample 8                  a few of both sorts, as CI does
  tests/mutation/run --only 1f2e3d4c             one mutant again, by its id
  tests/mutation/run --shard 2/4 --json 2.json   every fourth mutant, on another machine
  tests/mutation/run --merge [1-4].json          adds up the shards; writes results.md
  tests/mutation/run --again all.json            what survived, once more, with tests added since

The checkout is not touched: everything happens in build/mutation. Ctrl-C ends with the result so far.
Exit status: 0 when all are killed, 1 when one survives, 2 on wrong usage or when the sound engine fails
its own tests, 130 after Ctrl-C.
"""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def parse(arguments):
    parser = Parser(prog="tests/mutation/run", description=DESCRIPTION, epilog=EPILOG,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=220, metavar="N",
                        help="mechanical mutants that compile (220); 0: only the classic faults")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which ones (1)")
    parser.add_argument("--shard", default="1/1", metavar="i/n", help="only every n-th of all, beginning with the i-th")
    parser.add_argument("--sample", type=int, metavar="K", help="only K of all, half of them classic, by the seed")
    parser.add_argument("--only", action="append", metavar="ID", help="only this one; may be given again")
    parser.add_argument("--list", action="store_true", help="print what would be tried, build nothing")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="J", help="workers (one a core)")
    parser.add_argument("--json", metavar="FILE", help="write the result there")
    parser.add_argument("--merge", nargs="+", metavar="FILE", help="add up the JSON results of all shards")
    parser.add_argument("--again", metavar="FILE", help="try what survived the run in this JSON result once more")
    options = parser.parse_args(arguments)
    try:
        options.shard = tuple(int(part) for part in options.shard.split("/"))
        valid = len(options.shard) == 2 and 1 <= options.shard[0] <= options.shard[1]
    except ValueError:
        valid = False
    if not valid:
        parser.error("--shard: expected i/n with 1 <= i <= n, as in 2/4")
    for name, least in (("count", 0), ("jobs", 1), ("sample", 1)):
        if getattr(options, name) is not None and getattr(options, name) < least:
            parser.error(f"--{name}: expected a number of at least {least}")
    return parser, options


def read_run(parser, option, path):
    try:
        return report.read_json(path)
    except ValueError as error:
        return parser.error(f"{option}: {error}")


def select(parser, options, sources):
    """The classics and slots that are to be tried."""
    classics = read_classics(HERE / "classic.json", sources)
    slots = choose(sources, options.count, options.seed)
    if options.only:
        known = {m.id: m for source in sources for m in all_mutants(source)} | {c.id: c for c in classics}
        unknown = [name for name in options.only if name not in known]
        if unknown:
            parser.error(f"--only: no mutant has the id {unknown[0]}; --list shows them")
        return [known[name] for name in options.only], []  # also when it is known to be equivalent
    if options.sample:
        classics, slots = sample(classics, slots, options.sample, options.seed)
    everything = [*classics, *slots]
    mine = everything[options.shard[0] - 1 :: options.shard[1]]
    return [x for x in mine if x in classics], [x for x in mine if x not in classics]


def show(classics, slots):
    for mutant in [*classics, *(slot.candidates[0] for slot in slots)]:
        print(f"{mutant.id} {mutant.file}:{mutant.line} {mutant.name or mutant.kind}\n"
              f"  - {mutant.original}\n  + {mutant.mutated}")


def commit():
    """The commit of the checkout, and whether the engine or the tests differ from it; "unknown" without git."""
    if shutil.which("git") is None:
        return "unknown"

    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, text=True, capture_output=True, check=False).stdout.strip()
    changed = git("status", "--porcelain", "--", "engine", "tests", "reference")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (report.CHANGED if changed else "")


def is_full(run):
    whole = run["complete"] and not report.narrowed_by(run) and list(run["shard"]) == [1, 1]
    return whole and len(report.mechanical(run)) >= FULL


def finish(run, options):
    print("\n" + report.summary(run))
    if options.json:
        report.write_json(options.json, run)
    if is_full(run):
        (ROOT / report.RESULTS).write_text(report.page(run), encoding="utf-8")
        print(f"Written: {report.RESULTS}")
    elif options.merge:
        print(f"Not written: {report.RESULTS}, which is for runs over {FULL} mechanical mutants and more.")
    return 1 if report.survivors(run) else 0


def merge(parser, options):
    runs = [read_run(parser, "--merge", name) for name in options.merge]
    try:
        run = report.merge(runs)
    except ValueError as error:
        parser.error(f"--merge: {error}")
    return finish(run, options)


def main(arguments):
    parser, options = parse(arguments)
    if options.merge:
        return merge(parser, options)
    before = read_run(parser, "--again", options.again) if options.again else None
    if before and not (alive := report.survivors(before)):
        print(f"Nothing survived the run in {options.again}.")
        return 0
    if before:
        options.only = [r["id"] for r in alive]
    sources = engine_sources(ROOT)
    equivalents = Equivalents(HERE / "equivalent.json")
    try:
        equivalents.check(sources)
        classics, slots = select(parser, options, sources)
    except StaleEntry as error:
        print(f"tests/mutation/run: {error}", file=sys.stderr)
        return 2
    if options.list:
        show(classics, slots)
        return 0

    started = time.monotonic()
    run = {**report.FORMAT, "date": datetime.date.today().isoformat(), "commit": commit(), "seed": options.seed,
           "count": options.count, "shard": options.shard, "jobs": options.jobs, "complete": True,
           "sample": options.sample, "only": options.only}
    sound = SoundBuild(ROOT, ROOT / "build/mutation" / "{}_of_{}".format(*options.shard))
    runner = Runner(sound)
    known = None if options.only and not before else equivalents
    campaign = Campaign(sound, runner, known, report.Progress(len(classics) + len(slots)))
    try:
        sound.prepare(sources)
        campaign.run(classics, slots, options.jobs)
    except BuildError as error:
        print(f"tests/mutation/run: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        run["complete"] = False
        campaign.stop()
    run.update(uncompiled=campaign.uncompiled, without=campaign.without, mutants=campaign.results,
               seconds=round(time.monotonic() - started), suites=runner.sound_seconds)
    if before:
        run = report.tried_again(before, run)
    status = finish(run, options)
    return status if run["complete"] else 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
