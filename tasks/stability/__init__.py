"""How much pictures change between seeds, settings and resamples."""
