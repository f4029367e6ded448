"""How OKX's rate limits are counted."""
