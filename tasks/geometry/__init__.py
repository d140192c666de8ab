"""What cells share: neighbours, affinities, graphs; parts of the rows and reference data."""
