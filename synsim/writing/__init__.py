"""Numbers written into weights by pairings, kept, and read."""
