"""Ratings by human votes and judge votes together: prediction-powered inference with questions as the unit."""
