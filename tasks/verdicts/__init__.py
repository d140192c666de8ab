"""Held-out tests of clusters and labels, and the verdicts that rest on them."""
