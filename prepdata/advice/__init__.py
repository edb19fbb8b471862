"""Should it be fine-tuned at all? Advice by readable rules (`rules.toml`), from answers and measures."""
