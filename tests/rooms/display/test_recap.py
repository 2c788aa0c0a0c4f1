"""The end of a run."""

from __future__ import annotations

from herder.display.prose import Page
from herder.display.recap import LostHost, Recap, draw_recap
from herder.events import HostTotals, Outcome, TaskLabel

MIGRATE = TaskLabel("9", "Migrate", "command", "deploy.yml:41")


def recap_text(recap: Recap, width: int = 80) -> list[str]:
    return [line.plain.rstrip() for line in draw_recap(recap, Page(width))]


def test_a_small_fleet_has_a_line_a_host() -> None:
    """The numbers and names are ansible's, and they line up."""
    totals = (HostTotals("web10", ok=3), HostTotals("web2", ok=12, changed=2, failed=1))
    lost = (LostHost("web2", Outcome.FAILED, MIGRATE),)

    lines = recap_text(Recap(totals, lost, 12, 75.0))

    assert lines == [
        "",
        "RECAP  ok  changed  unreachable  failed",
        "web2   12        2            0       1",
        "web10   3        0            0       0",
        "",
        "   failed  web2 at Migrate (deploy.yml:41)",
        "      try  --limit web2  (only there again)",
        "2 hosts: 1 without change, 1 failed · 12 tasks in 1:15",
    ]


def test_after_a_transaction_nobody_is_told_to_leave_hosts_out() -> None:
    """A deployment to the lost host alone would be another release than the others have."""
    totals = (HostTotals("web1", failed=1), HostTotals("web2", ok=1))
    lost = (LostHost("web1", Outcome.FAILED, MIGRATE),)

    text = "\n".join(recap_text(Recap(totals, lost, 1, 1.0, is_transaction=True)))

    assert "web1 at Migrate" in text
    assert "--limit" not in text


def test_rare_columns_stand_there_when_they_have_numbers() -> None:
    """An ignored failure must be seen; a column of zeros need not."""
    lines = recap_text(Recap((HostTotals("web1", ok=1, ignored=1, rescued=2),), (), 1, 1.0))

    assert lines[1].split() == [
        "RECAP", "ok", "changed", "unreachable", "failed", "rescued", "ignored",
    ]  # fmt: skip


def test_equal_hosts_of_a_large_fleet_are_one_line_and_lost_ones_come_last() -> None:
    """300 equal lines would push the three that matter off the screen."""
    totals = tuple(HostTotals(f"n{number}", ok=5, changed=1) for number in range(1, 300))
    broken = HostTotals("n300", ok=1, unreachable=1)

    lines = recap_text(Recap((broken, *totals), (), 5, 1.0))

    assert len(lines) == 5
    assert lines[2].startswith("n1, n2")
    assert "(+" in lines[2]
    assert lines[3].startswith("n300")
    assert max(map(len, lines)) <= 80


def test_a_long_host_name_does_not_push_the_numbers_away() -> None:
    """Cloud host names are long and terminals are not."""
    totals = (HostTotals("ec2-203-0-113-25.compute-1.amazonaws.com.internal.example", ok=1),)

    lines = recap_text(Recap(totals, (), 1, 1.0))

    assert lines[2].endswith("…   1        0            0       0")
    assert len(lines[2]) <= 80
