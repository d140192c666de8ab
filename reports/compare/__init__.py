"""Two runs beside each other: which clusters are found again, and what changed. Above reports/clusters."""
