"""Live market state: one upstream subscription, many readers."""
