"""Say which of the clusters in a t-SNE or UMAP picture of a latent space are really there."""
