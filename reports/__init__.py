"""What a reader sees: read a run folder, summarise it, draw it, render it. The folder is the only interface."""
