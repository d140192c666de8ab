"""Clusters over many pictures, and their tables."""
