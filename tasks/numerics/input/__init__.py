"""Row order, the example's autoencoder, thumbnails of raw inputs."""
