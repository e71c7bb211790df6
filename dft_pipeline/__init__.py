"""Democratic Fine-Tuning as a pipeline: raw → values → graph → dataset.

What belongs here: what the project knows, as pure functions from frames to frames. What does not:
Dagster, databases, the clock and the environment (they are in `assets` and `resources`; only
`definitions` and `cli` wire the two together).
"""
