"""Read what the user brings, in canonical order: files of vectors, labels, raw inputs, encoders."""
