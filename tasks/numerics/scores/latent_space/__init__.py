"""Measures of the latent space itself, before any picture."""
