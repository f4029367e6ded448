"""What becomes of an order: rules, matching, life and history."""
