"""Passages of documents for questions: reading, chunks, BM25 and dense vectors in one store, and how good that is.

Needs the extra `rag`. Nothing here calls a model that answers, and nothing is downloaded.
"""
