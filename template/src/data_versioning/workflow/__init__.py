"""Branches, commits, tags of datasets and pushes."""
