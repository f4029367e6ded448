"""Who owns what: balances, positions, margin and their records."""
