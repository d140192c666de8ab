"""An encoder in place of latent vectors: a model that is run on raw inputs."""
