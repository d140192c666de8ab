"""Read a run folder and what its store says of it. It may import the words and configs only."""
