"""`prepdata.lock`: digests of what was looked at, so that a change of data, tokenizer or chat template is noticed."""
