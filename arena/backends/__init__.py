"""Text in, text out: who asks a model for answers, whoever runs it."""
