"""The site of a store: every run, and trends over runs."""
