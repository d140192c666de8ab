"""How far a sweep is: lines in the log, and an artifact in Prefect's UI."""
