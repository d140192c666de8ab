"""The steps of the pipeline, one verb a file, and what they share: store, identity, workers, progress.

Nothing is imported here, so that ``steadymap.tasks.numerics`` can be used without Prefect.
"""
