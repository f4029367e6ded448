"""Who holds the keys: the vault they rest in and the only code that sees a secret."""
