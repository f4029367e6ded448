"""Orders that wait for a price."""
