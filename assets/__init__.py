"""Dagster's assets, one file per stage: read, one call into dft_pipeline, metadata, return."""
