"""Runs for other tools: flat tables, AnnData, notebooks."""
