"""Preprocessing, neighbours, affinities, graphs, starts, resamples, reference data."""
