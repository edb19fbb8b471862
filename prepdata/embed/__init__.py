"""Texts as vectors, by a model that lies on this machine: a folder or an installed package.

Nothing is downloaded, no code of a model is run, nothing is unpickled. Weights are read from safetensors, tokens come
from the library tokenizers, the rest is numpy.
"""
