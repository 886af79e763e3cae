"""The scheduler: a queue, a cycle that filters and scores nodes, one plugin per file."""
