"""What was published when, and what changed: the log, differences, an edge's days, what is kept."""
