"""Which part of a file is what: vectors, labels, ids, groups, inputs; and how files are joined."""
