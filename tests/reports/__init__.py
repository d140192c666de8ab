"""Tests of what a reader sees, from a run folder that no reducer has touched: the folder is the only interface."""
