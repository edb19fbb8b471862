"""`prepdata arms`: ways of answering measured on the same held-out rows: prompts, retrieval, a tuned model, both.

config.py   what is to be measured            run.py      asks, and keeps what was answered
open.py     models and passages, once each    price.py    what a call costs
judge.py    comparisons, Pareto, verdict      model.py    the report
"""
