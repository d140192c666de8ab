"""Readers, one file a format, and how columns of lists and texts become numbers."""
