"""Herder against what people would use instead, on the same servers: `python -m benchmarks`."""
