"""What a decoder shows of the clusters: their medoids and means, the ways between them, how well rows are rebuilt."""
