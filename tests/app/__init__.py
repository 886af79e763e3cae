"""The terminal app against an API server in the same process."""
