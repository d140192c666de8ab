"""Deployment to a Prefect server: what is wanted, what the server has, and what lies between."""
