"""Trainings with other people's libraries, which follow what docs/encoders.md says word by word."""
