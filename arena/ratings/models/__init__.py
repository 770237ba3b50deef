"""Strengths from counts: the models, and how they are fitted on any graph of votes."""
