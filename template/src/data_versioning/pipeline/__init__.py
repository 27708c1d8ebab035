"""The pipeline: parameters, stages, metrics."""
