"""Should it be fine-tuned at all? Advice by rules that can be read (`rules.toml`), from answers and a file's measures."""
