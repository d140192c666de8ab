"""One page on several encoders of the same inputs: clusters followed through them, and how far their spaces agree."""
