"""One cell: draw it, read it, score it."""
