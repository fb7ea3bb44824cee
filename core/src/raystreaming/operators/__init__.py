"""The operators, as transformers of batches."""
