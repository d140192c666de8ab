"""How alike two pictures are, and how steady a row is over many."""
