"""`prepdata rag-rows`: rows for retrieval-augmented generation from documents and questions with answers.

from prepdata.rag_rows.run import rag_rows
report = rag_rows("docs", "qa.jsonl", output="train.jsonl")
"""
