"""Generated data with known truth, and the error rates measured on it."""
