"""`prepdata arms`: ways of answering measured on the same held-out rows: prompts, retrieval, a tuned model, both.

config.py   what is to be measured            run.py      asks, and keeps what was answered
ways.py     models and passages, once each    times.py    times in turns
price.py    what a call costs                 judge.py    comparisons with base and best arm
pareto.py   who is dominated                  verdict.py  which arm to take
model.py    the report
"""
