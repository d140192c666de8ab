"""Losses of a picture: what t-SNE and UMAP minimise, with the error of a sample."""
