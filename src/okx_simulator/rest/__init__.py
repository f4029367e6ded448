"""How REST requests are checked and answered."""
