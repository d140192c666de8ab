"""Tables of the run folder, one file each."""
