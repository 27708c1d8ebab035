"""Where results come from and what became of data."""
