"""A flame graph of Souk's warm path: the server is sampled from outside while the page is asked
for. Writes bench/flame.svg; measures nothing."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from bench import contenders as who
from bench.house import House
from bench.load import Job, Shot, measure
from bench.workloads import Answers

FLAME = Path(__file__).with_name("flame.svg")
_SECONDS, _A_SECOND = 8, 250
_LARGEST = 500_000


def draw(house: House) -> None:
    """Draws the graph. Raises RuntimeError with what the sampler said when it could not."""
    with (
        tempfile.TemporaryDirectory(prefix="souk-bench-logs-") as folder,
        who.running(who.SOUK, house.url, Path(folder)) as souk,
    ):
        shot: Shot = Answers(house).page(souk, 20)
        measure(Job(souk.port, [shot], 16, 2))
        busy = threading.Thread(target=measure, args=(Job(souk.port, [shot], 16, _SECONDS + 3),))
        busy.start()
        sampled = subprocess.run(
            [
                str(Path(sys.executable).with_name("py-spy")),
                *["record", "--pid", str(souk.process.pid), "--function"],
                *["--duration", str(_SECONDS), "--rate", str(_A_SECOND)],
                *["--format", "flamegraph", "--output", str(FLAME)],
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        busy.join()
    if sampled.returncode != 0:
        raise RuntimeError(f"py-spy: {sampled.stderr.strip()[-600:]}")
    # Instead of the sampler's command with its paths on this machine.
    drawn = re.sub(r">[^<]*py-spy record[^<]*<", ">Souk: the page of 20, warm<", FLAME.read_text())
    FLAME.write_text(drawn)
    size = FLAME.stat().st_size
    if size > _LARGEST:
        raise RuntimeError(f"{FLAME.name} has {size:,} bytes: too many to commit")
