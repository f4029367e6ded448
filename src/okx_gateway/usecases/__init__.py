"""What we promise: one file per call."""
