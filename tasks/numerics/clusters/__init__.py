"""Islands of a picture, and the clusters that many pictures agree on."""
