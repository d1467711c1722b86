"""Ridgeline's worker for Hugging Face transformers: speaks the protocol of src/protocol."""

VERSION = "0.1.0"  # of Ridgeline; the library's own stands in "versions" of the hello
