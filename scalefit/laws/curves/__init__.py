"""One input: learning curves, and powers of one size."""
