"""The command line: what each command reads, prints and returns. It may import every room."""
