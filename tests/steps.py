"""Counts the steps of some work, so that a test can hold how it grows without a clock."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

Work = Callable[[], object]


def steps(work: Work) -> int:
    """How many lines of Python run while `work` does, whosever they are. What a function written in
    C does counts as nothing: patterns, which could take long in it, are held by
    tests/test_patterns.py."""
    count = 0

    def enter(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return enter

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def growth(work_of: Callable[[int], Work], size: int) -> float:
    """By what the steps are multiplied when the size is doubled. What is made of the size is made
    before the counting begins; the smallest size runs first, so that what is worked out once for
    all sizes is not counted."""
    work_of(1)()
    small, large = work_of(size), work_of(2 * size)
    return steps(large) / steps(small)
