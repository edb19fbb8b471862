"""LEAK: evaluation items among the rows to train on."""
