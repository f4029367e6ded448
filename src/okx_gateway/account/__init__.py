"""Live state of accounts: their orders and balances, as private channels tell them."""
