"""The report as one page that opens offline. Above reports/summary."""
