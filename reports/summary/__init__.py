"""What a run says in words: conclusions, markdown, lines for the terminal. Above reports/compare."""
