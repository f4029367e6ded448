"""What is traded, and what it is worth: instruments, prices, books and trades."""
