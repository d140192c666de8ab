"""Clusters as a reader meets them: cards, tracks through settings, tests of labels. Above pictures and scores."""
