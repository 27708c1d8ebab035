"""Set a study up, and clear its example."""
