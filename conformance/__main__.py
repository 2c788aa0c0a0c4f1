"""`python -m conformance`: run targets and tell how they ended."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections import Counter
from pathlib import Path

from conformance.commands import Engine
from conformance.job import Interpreter
from conformance.material import CACHE, fetch_source, fetch_wheels, look_at, make_layer
from conformance.options import parse
from conformance.results import Outcome, Report, Result
from conformance.runner import Plan, Runner, SandboxError, material
from conformance.topics import FAST, read_topics, select

NAMESPACE_VARIABLE = "CONFORMANCE_NAMESPACE"


def main() -> int:
    """Run what the command line names; 0 when every target counts."""
    options = parse(sys.argv[1:])
    if os.geteuid() != 0:
        sys.exit("conformance: needs root on Linux, as every target runs in a copy of the machine")
    _enter_own_namespace()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(1))
    interpreter = look_at(options.venv)
    reports = _reports(options, interpreter)
    names = _names(options, reports[0])
    print(
        f"{len(names)} targets with {options.engine.value}, ansible-core {interpreter.core_version}"
    )
    results = _run(options, interpreter, reports, names)
    _summarise(results)
    print(f"results: {reports[0].file}")
    return 0 if all(result.is_counted for result in results.values()) else 1


def _enter_own_namespace() -> None:
    """Start anew in a mount namespace of our own: what is mounted must not show outside."""
    if os.environ.get(NAMESPACE_VARIABLE) == str(os.getpid()):
        return
    os.environ[NAMESPACE_VARIABLE] = str(os.getpid())
    words = [sys.executable, "-m", "conformance", *sys.argv[1:]]
    os.execvp("unshare", ["unshare", "--mount", *words])


def _reports(options: argparse.Namespace, interpreter: Interpreter) -> tuple[Report, Report]:
    """Give the report of this run and that of stock: the same one when stock is run."""

    def open_report(engine: Engine, file: Path | None) -> Report:
        name = f"{engine.value}-{interpreter.core_version}.json"
        heading = {
            "engine": engine.value,
            "ansible_core": interpreter.core_version,
            "python": interpreter.python_version,
        }
        return Report(file or CACHE / name, heading)

    if options.engine is Engine.STOCK:
        stock = open_report(Engine.STOCK, options.json or options.stock)
        return stock, stock
    return open_report(options.engine, options.json), open_report(Engine.STOCK, options.stock)


def _names(options: argparse.Namespace, report: Report) -> list[str]:
    topics = read_topics()
    words: list[str] = options.targets
    if options.fast:
        words = [*words, *FAST.read_text(encoding="utf-8").split()]
    if options.all:
        # by target: a group may have the name of one
        words = sorted(name for name, topic in topics.items() if not topic.obstacle)
    try:
        names = select(topics, words)
    except KeyError as error:
        sys.exit(f"conformance: neither a target nor a topic: {error.args[0]!r}")
    known = report.results
    return [
        name for name in names if not (options.missing and name in known and known[name].is_counted)
    ]


def _run(
    options: argparse.Namespace,
    interpreter: Interpreter,
    reports: tuple[Report, Report],
    names: list[str],
) -> dict[str, Result]:
    report, stock = reports
    source = fetch_source(interpreter)
    present = {path.name for path in (source / "test/integration/targets").iterdir()}
    names = [name for name in names if name in present]
    plan = Plan(
        engine=options.engine,
        logs=options.logs or report.file.with_name(f"{report.file.stem}-logs"),
        timeout_seconds=options.timeout,
        retries=options.retries,
        jobs=options.jobs,
        verbosity=options.verbosity,
        environment=dict(options.env),
    )
    results: dict[str, Result] = {}

    def tell(name: str, result: Result) -> None:
        results[name] = result
        word = _word(result)
        print(f"{word:12}{result.seconds:7.1f}  {name}   [{len(results)}/{len(names)}]", flush=True)
        if result.difference and result.outcome is Outcome.PASSED:
            print(f"{'':21}{result.difference[:400]}", flush=True)

    # the fast set was chosen from targets that install no packages: two minutes less
    is_fast = options.fast and not (options.all or options.targets)
    layer = None if is_fast else make_layer()
    wheels = None if is_fast else fetch_wheels(interpreter)
    with material(interpreter, source, wheels, layer) as made:
        try:
            Runner(made, plan, report, stock).run_all(names, tell)
        except SandboxError as error:
            sys.exit(f"conformance: {error}")
    return results


def _word(result: Result) -> str:
    if result.outcome is Outcome.PASSED and result.difference:
        return "other recap"
    return result.outcome.value


def _summarise(results: dict[str, Result]) -> None:
    words = {name: _word(result) for name, result in results.items()}
    counts = Counter(words.values())
    print("\n" + ", ".join(f"{count} {word}" for word, count in sorted(counts.items())))
    for word in sorted(set(counts) - {Outcome.PASSED.value}):
        print(f"{word}: " + " ".join(sorted(name for name in words if words[name] == word)))


if __name__ == "__main__":
    sys.exit(main())
