"""Lay out a sweep: its cells, their identities, what is missing, what it will cost."""
