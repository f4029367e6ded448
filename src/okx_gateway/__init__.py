"""A gateway between many services and OKX."""
