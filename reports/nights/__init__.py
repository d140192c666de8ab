"""Nights of a schedule: what each did, and what changed since the one before."""
