"""`kill -9` at random moments: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KILLS = 200
SECONDS = 60
"""Killing ends then, however few it were: a busy machine kills fewer, and each kill counts the same."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children: needs a POSIX system")
def test_nothing_acknowledged_is_lost_and_nothing_is_half_there() -> None:
    command = [sys.executable, "-m", "benchmarks.kill", "--kills", str(KILLS), "--seed", "7", "--seconds", str(SECONDS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tally = json.loads(done.stdout.splitlines()[-1])
    assert tally["kills"] == KILLS or tally["seconds"] >= SECONDS
    assert tally["at_work"] == tally["kills"] > 0  # every child had begun and had not ended
    assert tally["acknowledged_calls"] > 0
    assert tally["under_way"] > 0  # and some were killed in the middle of a call
    assert (tally["lost"], tally["half_there"], tally["doctor_findings"]) == (0, 0, 0)
