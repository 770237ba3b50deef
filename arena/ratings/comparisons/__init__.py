"""Votes and counts as numbers, and which contenders they connect."""
