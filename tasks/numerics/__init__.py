"""The science: arrays in, arrays or frozen dataclasses out. No Prefect, no files, no clock, no plots."""
