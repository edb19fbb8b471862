"""What prompting, long context, retrieval, fine-tuning and both cost side by side, and when the dearer pays off."""
