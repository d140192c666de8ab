"""Scores of one picture, one file each, by the literature's names."""
