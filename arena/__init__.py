"""Clinical Arena: blinded comparison of clinical language models. Not for clinical use."""

__version__ = "0.1.0"
