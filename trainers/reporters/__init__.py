"""How a comparison is shown: one file per form."""
