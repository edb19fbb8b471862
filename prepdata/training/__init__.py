"""What trainers make of rows: rendered, masked, cut, dropped, packed. Simulated, to be known before a GPU is rented."""
