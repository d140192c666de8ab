"""The words the project uses: sweep schema, grid, Parquet schemas, score cards, and the YAML files they validate."""
