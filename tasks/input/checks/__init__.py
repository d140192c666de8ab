"""Checks of what was read: matrices, odd values, images."""
