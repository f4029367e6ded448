"""Which tests break things?"""

from tests.faults import (
    kill_points,
    load_batches,
    load_fairness,
    load_hand_over,
    load_leaving,
    load_limiter,
    load_order_stream,
    load_readers,
    load_same_id,
    load_sockets,
    load_stalls,
    property_requests,
    redis_failovers,
    redis_faults,
    simulated_schedules,
    stopping,
)
from tests.faults.tally import FaultTest

TESTS: tuple[FaultTest, ...] = (
    *simulated_schedules.TESTS,
    *kill_points.TESTS,
    *redis_faults.TESTS,
    *redis_failovers.TESTS,
    *stopping.TESTS,
    *load_limiter.TESTS,
    *load_batches.TESTS,
    *load_fairness.TESTS,
    *load_same_id.TESTS,
    *load_leaving.TESTS,
    *load_sockets.TESTS,
    *load_hand_over.TESTS,
    *load_stalls.TESTS,
    *load_order_stream.TESTS,
    *load_readers.TESTS,
    *property_requests.TESTS,
)
