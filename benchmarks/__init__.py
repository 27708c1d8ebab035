"""How fast is this, measured against what one would use instead? Run `python -m benchmarks`."""
