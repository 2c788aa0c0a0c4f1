"""`python -m benchmarks`: measure, print the table, keep the results."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import fleet as fleets
from benchmarks.catalog import scenarios
from benchmarks.chart import write_chart
from benchmarks.environments import CACHE, ensure, environments
from benchmarks.measure import take_turns
from benchmarks.paths import RESULTS
from benchmarks.peers import Job, Peer, peers
from benchmarks.results import Report, new_report, read
from benchmarks.scenario import Scenario
from benchmarks.table import put_into, tables

LAB = "benchmark"


def main() -> int:
    """Do what the command line says; 0 when no run failed."""
    options = _options()
    every = peers()
    if options.render:
        _show(read(options.render), list(every.values()), options)
        return 0
    chosen = _chosen_scenarios(options.scenarios)
    wanted = [every[name] for name in options.peers]
    names = {peer.environment for peer in wanted if peer.environment}
    folders = {name: ensure(environments()[name], options.environments) for name in sorted(names)}
    with (
        tempfile.TemporaryDirectory(prefix="herder-benchmarks-") as place,
        _fleet(options, chosen, Path(place)) as fleet,
    ):
        report = _report(options, folders)
        for scenario in chosen:
            job = Job(Path(place) / scenario.name, fleet, folders)
            _measure(scenario, job, wanted, options, report)
    _show(report, list(every.values()), options)
    return _failures(report)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    groups = list(dict.fromkeys(scenario.group for scenario in scenarios()))
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(groups))
    parser.add_argument("--peers", type=_words, default=list(peers()), help=", ".join(peers()))
    parser.add_argument("--hosts", type=int, help="as many hosts instead of a scenario's own")
    parser.add_argument("--runs", type=int, default=5, help="of each peer in each scenario")
    parser.add_argument("--lab", help="a lab that is up; without it one is made and removed")
    parser.add_argument("--environments", type=Path, default=CACHE, help="where the peers live")
    parser.add_argument("--json", type=Path, default=RESULTS / "latest.json", metavar="FILE")
    parser.add_argument("--add", action="store_true", help="keep what FILE has of other scenarios")
    parser.add_argument("--chart", type=Path, metavar="FILE.svg")
    help_into = "put those tables there too that the page has marks for; more than once, if wanted"
    parser.add_argument(
        "--into", type=Path, metavar="PAGE.md", action="append", default=[], help=help_into
    )
    parser.add_argument("--render", type=Path, metavar="FILE", help="only show a kept result")
    return parser.parse_args()


def _words(text: str) -> list[str]:
    unknown = set(text.split(",")) - set(peers())
    if unknown:
        raise argparse.ArgumentTypeError(f"no such peer: {', '.join(sorted(unknown))}")
    return text.split(",")


def _chosen_scenarios(names: list[str]) -> list[Scenario]:
    known = scenarios()
    unknown = set(names) - {name for each in known for name in (each.group, each.name)}
    if unknown:
        sys.exit(f"benchmarks: no such scenario: {', '.join(sorted(unknown))}")
    return [each for each in known if not names or {each.group, each.name} & set(names)]


@contextmanager
def _fleet(
    options: argparse.Namespace, chosen: list[Scenario], folder: Path
) -> Iterator[fleets.Fleet]:
    """Give the servers of the lab that was named, or of one that is removed again."""
    if options.lab:
        yield fleets.look_at(options.lab, folder)
        return
    count = options.hosts or max(scenario.hosts for scenario in chosen)
    fleets.bring_up(LAB, count)
    try:
        yield fleets.look_at(LAB, folder)
    finally:
        fleets.take_down(LAB)


def _report(options: argparse.Namespace, folders: dict[str, Path]) -> Report:
    report = new_report(environments(), folders, "servers: machines of `herder lab`")
    if options.add and options.json.exists():
        kept = read(options.json)
        report.rows = kept.rows
        report.versions = kept.versions | report.versions
    return report


def _measure(
    scenario: Scenario, job: Job, wanted: list[Peer], options: argparse.Namespace, report: Report
) -> None:
    count = scenario.hosts if scenario.hosts == 1 else options.hosts or scenario.hosts
    job = Job(job.folder, job.fleet.first(count), job.environments)
    job.folder.mkdir(parents=True)
    job.fleet.write_ssh_config(delay_ms=scenario.delay_ms)
    job.write_inventories()
    scenario.write(job)
    taking_part = [peer for peer in wanted if peer.name in scenario.peers]
    print(f"{scenario.name}: {scenario.title}", flush=True)
    found = take_turns(
        scenario,
        job,
        taking_part,
        scenario.runs or options.runs,
        lambda line: print(line, flush=True),
    )
    report.add(scenario, scenario.counted_hosts or count, found)
    order = [each.name for each in scenarios()]
    report.rows.sort(key=lambda row: order.index(row["name"]))
    report.write(options.json)


def _show(report: Report, every: list[Peer], options: argparse.Namespace) -> None:
    found = tables(report, every)
    for name, text in found.items():
        print(f"\n{name.capitalize()}:\n\n{text}")
    for page in options.into:
        put_into(page, found)
    if options.chart:
        write_chart(report, every, options.chart)


def _failures(report: Report) -> int:
    return int(any("problem" in peer for row in report.rows for peer in row["peers"].values()))


if __name__ == "__main__":
    sys.exit(main())
