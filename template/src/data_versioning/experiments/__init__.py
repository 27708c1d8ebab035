"""Runs in the MLflow store."""
