"""How cells are handed out to workers: all at once, in rounds under a budget, on one machine or on a cluster."""
