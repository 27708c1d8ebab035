"""Merge what DVC writes: git calls these, as drivers that the set-up registers."""
