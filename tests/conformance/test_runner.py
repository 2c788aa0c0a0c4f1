"""The runner of targets: what is run again, and what it is compared with."""

from __future__ import annotations

from pathlib import Path

from conformance.commands import Engine
from conformance.job import Interpreter
from conformance.recaps import Recap, Recaps
from conformance.results import Outcome, Report, Result
from conformance.runner import Material, Plan, Runner

FIRST: Recap = {"web1": {"ok": 1}}
SECOND: Recap = {"web2": {"ok": 2}}
STEADY: Recap = {"web3": {"ok": 3}}


class RunnerOfKnownEnds(Runner):
    """Takes each engine's next recaps from a list instead of running the target."""

    def __init__(self, folder: Path, ends: dict[Engine, list[Recaps]]) -> None:
        interpreter = Interpreter(folder="", core_version="2.19.14", python_version="3.11")
        super().__init__(
            Material(interpreter, folder, folder, folder, ()),
            Plan(Engine.HERDER, folder),
            Report(folder / "herder.json", {}),
            Report(folder / "stock.json", {}),
        )
        self.ends = ends

    def _attempt(self, name: str, engine: Engine) -> Result:
        return Result(Outcome.PASSED, 1.0, 0, self.ends[engine].pop(0))


def run(folder: Path, ends: dict[Engine, list[Recaps]]) -> Result:
    results: dict[str, Result] = {}
    runner = RunnerOfKnownEnds(folder, ends)
    runner.run_all(["loops"], results.__setitem__)
    assert not any(ends.values())
    assert runner.report.results == results
    return results["loops"]


def test_a_target_that_does_as_stock_runs_once_with_each(tmp_path: Path) -> None:
    """A target may take minutes."""
    ends = {Engine.STOCK: [[STEADY]], Engine.HERDER: [[STEADY]]}

    assert run(tmp_path, ends).is_counted


def test_where_recaps_differ_stock_is_asked_again_whether_it_repeats_its_own(
    tmp_path: Path,
) -> None:
    """Some targets draw hosts by lot."""
    ends = {
        Engine.STOCK: [[FIRST, STEADY], [SECOND, STEADY]],
        Engine.HERDER: [[{"web4": {"ok": 1}}, STEADY]],
    }

    assert run(tmp_path, ends).is_counted


def test_a_recap_that_stock_repeats_and_herder_does_not_have_does_not_count(
    tmp_path: Path,
) -> None:
    """Asking stock again must not let a difference pass."""
    ends = {
        Engine.STOCK: [[FIRST, STEADY], [FIRST, STEADY]],
        Engine.HERDER: [[SECOND, STEADY]],
    }

    assert not run(tmp_path, ends).is_counted
