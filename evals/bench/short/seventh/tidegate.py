"""Control of the tide gate at Withy Sluice.

The gate is lowered when the sea stands higher than the river and raised
again when it has fallen. Levels are in metres above chart datum.
"""

import time

CLOSE_LEVEL = 3.85        # sea level at which the gate is lowered
REOPEN_MARGIN = 0.20      # sea must be this far below the river to reopen
POLL_SECONDS = 45
STALE_AFTER = 300         # seconds after which a reading is no longer trusted
LOG_FILE = "/var/log/withy/gate.log"
MOTOR_LIMIT_AMPS = 16.5


class GateJammed(Exception):
    """Raised when the motor draws too much current while moving."""


class Gauge:
    """A float gauge read over the serial line."""

    def __init__(self, port, offset=0.0):
        self.port = port
        self.offset = offset
        self.level = None
        self.taken_at = 0.0

    def is_stale(self, now=None):
        """Tell whether the last reading is too old to be used."""
        now = time.time() if now is None else now
        return now - self.taken_at > STALE_AFTER


def should_close(sea, river):
    """Return True if the gate ought to go down.

    Closes at CLOSE_LEVEL, or earlier when the sea is above the river.
    """
    return sea >= CLOSE_LEVEL or sea > river


def should_reopen(sea, river):
    """Return True once the sea has dropped far enough below the river."""
    return sea <= river - REOPEN_MARGIN


def median_level(readings):
    """Median of the readings, so that a passing wave does not count.

    Raises ValueError if there are fewer than five readings.
    """
    if len(readings) < 5:
        raise ValueError("need at least five readings")
    ordered = sorted(readings)
    return ordered[len(ordered) // 2]


def move(gate, down, attempts=3):
    """Drive the gate up or down, trying again after a jam.

    Between attempts the motor rests for 90 seconds. If all attempts fail,
    GateJammed is raised and the siren on the pump house is sounded.
    """
    for _ in range(attempts):
        gate.start(down)
        if gate.current() <= MOTOR_LIMIT_AMPS:
            return
        gate.stop()
        time.sleep(90)
    gate.siren()
    raise GateJammed("motor over limit")


def fish_pass_open(month):
    """Tell whether the fish pass stays open: April to June, for the elvers."""
    return 4 <= month <= 6
