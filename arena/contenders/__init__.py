"""The systems under test: what is known of each, how its prompts are written, and how vLLM serves it."""
