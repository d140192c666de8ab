"""The store: where things lie, how they are written, locked, sent and collected. It knows no science."""
