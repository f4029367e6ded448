"""Sets the wall clock of a Python process off by SKEW_S seconds, where its folder is on the path.

Python imports a module of this name before anything else. The monotonic clock stays right, as it
does where a machine's wall clock is wrong.
"""

import os
import time

_SKEW_S = float(os.environ.get("SKEW_S", "0"))
_read_s, _read_ns = time.time, time.time_ns


def _skewed_s() -> float:
    return _read_s() + _SKEW_S


def _skewed_ns() -> int:
    return _read_ns() + int(_SKEW_S * 1e9)


time.time, time.time_ns = _skewed_s, _skewed_ns
