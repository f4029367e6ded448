"""How do times and spans of time become messages?  Pure."""

from google.protobuf import duration_pb2, timestamp_pb2


def time_of(milliseconds: int | None) -> timestamp_pb2.Timestamp | None:
    """A time in ms since the epoch; absent where it is not known."""
    return time_of_us(milliseconds * 1000) if milliseconds else None


def time_of_us(microseconds: int | None) -> timestamp_pb2.Timestamp | None:
    """A time in microseconds since the epoch; absent where it is not known."""
    if not microseconds:
        return None
    seconds, rest = divmod(microseconds, 1_000_000)
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=rest * 1000)


def duration_of(seconds: float) -> duration_pb2.Duration:
    """An age; never less than nothing."""
    duration = duration_pb2.Duration()
    duration.FromMicroseconds(max(0, round(seconds * 1_000_000)))
    return duration
