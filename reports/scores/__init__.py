"""Scores and stability as a reader meets them: means over seeds, heat maps, curves. Reads from reports/run."""
