"""`python -m conformance.table RESULTS...`: writes docs/compatibility.md from results."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from conformance.commands import Engine
from conformance.material import ROOT
from conformance.results import Outcome, Report, Result, read_heading
from conformance.topics import GROUPS, Topic, read_topics

REASONS = Path(__file__).with_name("reasons.tsv")
PAGE = ROOT / "docs" / "compatibility.md"

HEAD = """\
# Compatibility

ansible-core's source distribution carries its integration tests. This page tells how many of the
targets that stock ansible-core passes on the machine that made it Herder passes too. A target
counts only when it passes **and** its PLAY RECAPs equal those of stock on the same machine: most
targets assert in tasks, so they would also pass with an `ansible-playbook` that does nothing.
Where a target draws hosts by lot, so that stock's own recaps differ from run to run, those that
stock repeats must be the same. Targets that need Windows, the internet or another operating system
are not run. A target without a result of stock to compare with is left out; the totals are of those
compared.

Made by `python -m conformance.table` from the results of `python -m conformance --all`; not edited
by hand.
"""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a target does not count; refused when that is meant to stay so."""

    is_refused: bool
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """Results of Herder with one version of ansible-core."""

    heading: dict[str, str]
    results: dict[str, Result]

    @property
    def title(self) -> str:
        return f"{self.heading['ansible_core']}, Python {self.heading['python']}"


def read_reasons(file: Path = REASONS) -> dict[str, Reason]:
    """Give why targets do not count.

    *Shapes*: lines of target, `refused` or `open`, and the reason, with tabs between.
    """
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    return {name: Reason(kind == "refused", text) for name, kind, text in rows}


def page(columns: list[Column], topics: dict[str, Topic], reasons: dict[str, Reason]) -> str:
    """Give the whole page."""
    failures = [_failures(column, topics, reasons) for column in columns]
    return "\n".join([HEAD, _summary(columns, topics), *failures])


def _summary(columns: list[Column], topics: dict[str, Topic]) -> str:
    lines = [
        "| topic | " + " | ".join(column.title for column in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for group in GROUPS:
        cells = [_cell(column, topics, group) for column in columns]
        lines.append(f"| {group} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(column: Column, topics: dict[str, Topic], group: str) -> str:
    results = [result for name, result in column.results.items() if topics[name].group == group]
    counted = sum(result.is_counted for result in results)
    return f"{counted} of {len(results)}" if results else "not run"


def _failures(column: Column, topics: dict[str, Topic], reasons: dict[str, Reason]) -> str:
    failed = {name: result for name, result in column.results.items() if not result.is_counted}
    order = sorted(failed, key=lambda name: (GROUPS.index(topics[name].group), name))
    lines = [
        f"- `{name}` ({topics[name].group}): {_reason(failed[name], reasons.get(name))}"
        for name in order
    ]
    return "\n".join([f"## Not passed with {column.title}", "", *(lines or ["None."]), ""])


def _reason(result: Result, reason: Reason | None) -> str:
    if reason:
        return f"refused: {reason.text}" if reason.is_refused else reason.text
    if result.outcome is Outcome.PASSED:
        return "passes with another recap, not looked at yet"
    return f"{result.outcome.value}, not looked at yet"


def read_column(file: Path, topics: dict[str, Topic]) -> Column:
    """Give the results that count for the page: of targets that can run here and stock passes."""
    heading = read_heading(file)
    if heading["engine"] != Engine.HERDER.value:
        raise SystemExit(f"{file} has results of {heading['engine']!r}, expected 'herder'")
    runnable = {name for name, topic in topics.items() if not topic.obstacle}
    results = Report(file, heading).results
    kept = {
        name: result
        for name, result in sorted(results.items())
        if name in runnable and result.is_passed_by_stock
    }
    return Column(heading, kept)


def main() -> int:
    """Write the page from the result files that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m conformance.table", description=__doc__)
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS")
    parser.add_argument("--output", type=Path, default=PAGE, metavar="FILE")
    options = parser.parse_args()
    topics = read_topics()
    columns = [read_column(file, topics) for file in options.results]
    text = page(columns, topics, read_reasons())
    options.output.write_text(text, encoding="utf-8")
    print(f"wrote {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
