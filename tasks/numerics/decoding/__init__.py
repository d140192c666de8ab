"""What a decoder says of clusters: where to decode, and what to make of what comes out."""
